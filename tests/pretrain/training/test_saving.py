"""Saving beside training: the state is that of the step, the bytes are the same, errors come out."""

import threading
from pathlib import Path

import pytest
import torch

from corpora import disk
from corpora.artefact import Artefact, Draft
from corpora.errors import CannotWrite, Interrupted, MaskwrightError
from corpora.reporter import Quiet
from pretrain.engine.deepspeed import Engine
from pretrain.engine.ranks import Ranks
from pretrain.training import checkpoints
from pretrain.training.saving import Saver, whole
from pretrain.training.stage import train
from tests.pretrain.toys import run, toy_train
from tests.pretrain.training.test_stage import StopAfter

ALONE = Ranks(0, 1, torch.device("cpu"))


def draft(folder: Path) -> Draft:
    return Draft.open(folder / "made", "checkpoint", "toy")


@pytest.mark.parametrize("zero", [0, 3])
def test_a_save_beside_training_writes_the_same_bytes(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zero: int
) -> None:
    """Held back until the step after: on a CPU, weights and moments change in place meanwhile."""
    here = run(toy_train(speed={"micro_batch": 3, "zero": zero}), data, tmp_path / "here")
    stepped, update, begin = threading.Event(), Engine.update, Saver._begin

    def and_tell(self: Engine, learning_rate: float) -> float:
        norm = update(self, learning_rate)
        stepped.set()
        return norm

    def held_back(self: Saver, *given: object) -> object:
        work = begin(self, *given)  # type: ignore[arg-type]
        stepped.clear()
        return lambda: (stepped.wait(5 if given[0] != checkpoints.part(12) else 0), work())

    monkeypatch.setattr(Engine, "update", and_tell)
    monkeypatch.setattr(Saver, "_begin", held_back)
    config = toy_train(speed={"micro_batch": 3, "zero": zero, "async_save": True})
    assert run(config, data, tmp_path / "beside").files == here.files


def test_a_stop_waits_for_what_is_being_written(data: Artefact, tmp_path: Path) -> None:
    config = toy_train(speed={"micro_batch": 3, "async_save": True})
    undisturbed = run(config, data, tmp_path / "undisturbed")
    for stop in (5, 2):
        with pytest.raises(Interrupted):
            run(config, data, tmp_path / "stopped", StopAfter(stop))
    assert checkpoints.part(7) in draft_parts(tmp_path / "stopped")
    assert run(config, data, tmp_path / "stopped").files == undisturbed.files


def draft_parts(final: Path) -> list[str]:
    return Draft.open(final, "checkpoint", "toy").parts()


def test_an_error_in_the_thread_comes_out_at_a_later_step(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = disk.rename

    def full(old: Path, new: Path) -> None:
        if new.name == checkpoints.part(8):
            raise OSError(28, "No space left on device")
        rename(old, new)

    monkeypatch.setattr(disk, "rename", full)
    config, out = toy_train(speed={"micro_batch": 3, "async_save": True}), draft(tmp_path)
    with pytest.raises(CannotWrite, match="no space to write"):
        train(config, {"data": data}, out, Quiet())
    parts = draft_parts(tmp_path / "made")
    assert [part for part in parts if part.startswith(checkpoints.PREFIX)] == [checkpoints.part(4)]


def test_one_thing_is_saved_at_a_time_and_what_follows_follows(tmp_path: Path) -> None:
    order, gate = list[str](), threading.Event()

    def slow(folder: Path) -> None:
        gate.wait(5)
        order.append(folder.name)

    saver = Saver(draft(tmp_path), ALONE, beside=True)
    saver.save("first", [], slow, lambda: order.append("then"))
    saver.check()
    assert order == []
    threading.Timer(0.05, gate.set).start()
    saver.save("second", [], slow, lambda: None)
    saver.wait()
    saver.close()
    assert order == ["first.writing", "then", "second.writing"]
    assert saver.out.parts() == ["first", "second"]


def test_the_folder_becomes_a_part_once_all_ranks_have_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rank 1 writes its file later; a collective would fail here, where there is no second process."""
    places = list[Path]()

    def alone(self: Ranks, value: str) -> str:
        places.append(Path(value))
        return value

    monkeypatch.setattr(Ranks, "share", alone)
    saver = Saver(draft(tmp_path), Ranks(0, 2, torch.device("cpu")), beside=True)
    saver.save(
        "part", ["file-of-0", "file-of-1"], lambda folder: (folder / "file-of-0").touch(), lambda: None
    )
    assert saver.out.parts() == []
    with whole(places[0] / "file-of-1") as place:
        place.write_text("whole")
        saver.check()
        assert saver.out.parts() == []
    saver.wait()
    assert (saver.out.path / "part" / "file-of-1").read_text() == "whole"
    assert sorted(path.name for path in (saver.out.path / "part").iterdir()) == ["file-of-0", "file-of-1"]
    saver.save("lost", ["file-of-1"], lambda folder: None, lambda: None)
    (places[1] / "rank-1.failed").touch()
    with pytest.raises(MaskwrightError, match="before it had written file-of-1: see what it said"):
        saver.wait()
    saver.close()


def test_a_rank_that_cannot_write_tells_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ranks, "share", lambda self, value: str(tmp_path))
    saver = Saver(
        Draft(tmp_path / "made", "checkpoint", "toy"), Ranks(1, 2, torch.device("cpu")), beside=False
    )

    def fails(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(CannotWrite):
        saver.save("part", ["file-of-1"], fails, lambda: None)
    assert (tmp_path / "rank-1.failed").exists()
