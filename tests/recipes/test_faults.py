"""Bad input and bad disks through the command line: one message, the right code, nothing half-written."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.recipes.conftest import Clean, small
from tests.recipes.making import STAGES, Command, Ended, artefacts, strays

pytestmark = pytest.mark.slow


def unfinished(runs: Path) -> list[str]:
    """Artefacts with a final name that are not whole."""
    found = [path for path in runs.glob(".store/*-*") if path.is_dir() and path.suffix != ".partial"]
    return [path.name for path in found if not (path / "manifest.json").is_file()]


def one_message(ended: Ended, code: int, *parts: str) -> None:
    """A command ended with one line that says all of `parts`."""
    assert ended.code == code, ended.errors
    assert ended.errors.count("\n") == 1, ended.errors
    assert "Traceback" not in ended.errors + ended.output
    for part in parts:
        assert part in ended.errors


def test_a_source_that_is_not_there(clean: Clean, tmp_path: Path) -> None:
    ended = small(clean, tmp_path / "runs", f"shards.sources.0.path={clean.recipe.parent}/txet.txt")
    one_message(ended, 3, "bad data: ", "txet.txt", "text.txt")
    assert not list(tmp_path.glob("runs/.store/*"))


def test_an_empty_corpus(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n\n")
    ended = small(clean, tmp_path / "runs", f"shards.sources.0.path={tmp_path}/empty.txt")
    one_message(ended, 3, "bad data: no document is left to train on")
    assert all(".partial/" in name for name in artefacts(tmp_path / "runs"))


def test_text_that_is_not_utf_8(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("今天天气很好。\n".encode("gbk"))
    ended = small(clean, tmp_path / "runs", f"shards.sources.0.path={tmp_path}/gbk.txt")
    one_message(ended, 3, f"{tmp_path}/gbk.txt:1")


def test_a_damaged_artefact_is_named(clean: Clean, runs: Path) -> None:
    (weights,) = runs.glob(".store/export-*/model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1])
    one_message(small(clean, runs), 4, str(weights))


def test_a_file_in_the_place_of_the_folder_of_runs(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    one_message(small(clean, tmp_path / "runs"), 5, f"{tmp_path}/runs")


def test_files_may_not_grow(clean: Clean, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    ended = Command(["run", clean.recipe, "--runs", runs], tmp_path / "said", file_limit=8000).end()
    one_message(ended, 5, "no space to write", str(runs))
    assert unfinished(runs) == []
    assert small(clean, runs).code == 0
    assert artefacts(runs) == clean.files


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A small disk in memory, where this machine lets us have one."""
    place.mkdir(exist_ok=True)
    if not (shutil.which("mount") and _mount(place, options)):
        pytest.skip("no right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _mount(place: Path, options: str) -> bool:
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_a_disk_that_is_full_in_every_stage(clean: Clean, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=8m"):
        runs, ballast = disk / "runs", disk / "ballast"
        small(clean, runs, "--only", "words")  # fails, and leaves the folder of the run
        for kind in STAGES.values():
            fill(ballast, leave=12 << 10 if kind != "checkpoint" else 100 << 10)
            one_message(small(clean, runs, "--until", stage_of(kind)), 5, "no space to write", str(disk))
            assert unfinished(runs) == []
            assert not [name for name in artefacts(runs) if f"/{kind}-" in name and ".partial/" not in name]
            ballast.unlink()
            assert small(clean, runs, "--until", stage_of(kind)).code == 0
        assert artefacts(runs) == clean.files
        assert strays(runs) == []


def stage_of(kind: str) -> str:
    return next(stage for stage, made in STAGES.items() if made == kind)


def fill(ballast: Path, leave: int) -> None:
    """Leave so many bytes free on a disk."""
    with ballast.open("wb") as file:
        file.write(bytes(shutil.disk_usage(ballast.parent).free - leave))


def test_a_folder_that_may_not_be_written(clean: Clean, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=1m,ro"):
        one_message(small(clean, disk / "runs"), 5, "cannot write", str(disk), "--runs FOLDER")
        words = ["plan", clean.recipe, "--runs", disk / "runs"]
        assert Command(words, tmp_path / "said").end().code == 0
