import json
import shutil
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData, Diverged, Interrupted, UsageError
from corpora.reporter import Item, Quiet
from corpora.stage import JSON
from pretrain.batch import Masks, Window
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.running.store import Store
from pretrain.training import checkpoints, material
from pretrain.training.stage import train
from tests.pretrain.toys import LENGTH, run, toy_rows, toy_train
from tests.recipes.making import forkserver
from tests.tokenization.making import PLAIN, make_token_set, row
from tokenization.tokens import TokenSet


class StopAfter(Quiet):
    """A signal comes during step `steps` (from 1), and all that is said and measured is kept."""

    def __init__(self, steps: int | None = None) -> None:
        self.steps, self.seen = steps, 0
        self.said: list[str] = []
        self.measured: list[Mapping[str, float | int | str]] = []
        self.rewound: list[int] = []

    @property
    def stopping(self) -> bool:  # type: ignore[override]
        return self.steps is not None and self.seen >= self.steps

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        for item in items:
            self.seen += 1
            yield item
            if self.stopping:
                raise Interrupted("between two items")

    def say(self, line: str) -> None:
        self.said.append(line)

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        self.measured.append(values)

    def rewind(self, step: int) -> None:
        self.rewound.append(step)


def rows(artefact: Artefact) -> list[dict[str, float]]:
    return [json.loads(line) for line in artefact.file("log.jsonl").read_text().splitlines()]


def skipped_rows(artefact: Artefact) -> list[list[int]]:
    """The rows of each step that was not applied."""
    lines = map(json.loads, artefact.file("log.jsonl").read_text().splitlines())
    return [line["rows"] for line in lines if "skipped" in line]


def test_a_run_keeps_the_last_checkpoints_and_reports_what_it_measured(
    data: Artefact, tmp_path: Path
) -> None:
    made = run(toy_train(), data, tmp_path / "made")
    assert made.facts["checkpoints"] == [8, 12]
    assert [row["step"] for row in rows(made) if "loss" in row] == [3, 6, 9, 12]
    assert [row["step"] for row in rows(made) if "held_out_mlm" in row] == [6, 12]
    assert made.facts["held_out"] == rows(made)[-1]
    assert made.facts["skipped"] == 0
    assert json.loads(made.file("deepspeed.json").read_bytes())["zero_optimization"]["stage"] == 0


def test_the_logged_loss_is_the_weighted_sum_and_the_rate_is_the_schedule(
    data: Artefact, tmp_path: Path
) -> None:
    config = toy_train(log_every=1, evaluate_every=None)
    logged = [row for row in rows(run(config, data, tmp_path / "made")) if "loss" in row]
    assert [row["loss"] for row in logged] == pytest.approx([row["mlm"] + 0.5 * row["sop"] for row in logged])
    rates = [1e-2 * factor for factor in (1 / 3, 2 / 3, 1, 1, 8 / 9)]
    assert [row["learning_rate"] for row in logged[:5]] == pytest.approx(rates)


@pytest.mark.slow
def test_the_network_learns(data: Artefact, tmp_path: Path) -> None:
    """Rows of one word, repeated: after some steps it is known."""
    same = make_token_set(tmp_path / "same", [toy_rows(2, 3)[1]] * 20, [toy_rows(2, 3)[1]] * 4, length=LENGTH)
    config = toy_train(steps=60, save_every=60, evaluate_every=None, objectives={"mlm": 1.0}, batch=16)
    held_out = run(config, same, tmp_path / "made").facts["held_out"]
    assert isinstance(held_out, Mapping)
    assert held_out["held_out_mlm_accuracy"] > 0.8
    assert held_out["held_out_mlm_accuracy"] > held_out["held_out_unigram_accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize("zero", [0, 1, 2, 3])
def test_a_stopped_run_goes_on_to_the_same_bytes(data: Artefact, tmp_path: Path, zero: int) -> None:
    config = toy_train(speed={"micro_batch": 3, "zero": zero})
    undisturbed = run(config, data, tmp_path / "undisturbed")
    for stop in (5, 1, 3):  # after 5, 6 and 9 steps in all
        with pytest.raises(Interrupted, match="saved after step"):
            run(config, data, tmp_path / "stopped", StopAfter(stop))
    last = StopAfter()
    again = run(config, data, tmp_path / "stopped", last)
    assert last.rewound == [9]
    assert again.files == undisturbed.files
    assert again.facts == undisturbed.facts


def weights_of(made: Artefact) -> bytes:
    return made.file(f"{checkpoints.part(12)}/model.safetensors").read_bytes()


def test_what_is_told_and_kept_changes_no_weight(data: Artefact, tmp_path: Path) -> None:
    """With dropout, whose draws measuring on held-out rows must not move."""
    plain, asides = toy_train(), {"log_every": 1, "evaluate_every": 1, "evaluate_rows": 3, "save_every": 12}
    told = toy_train(**asides, keep_last=1, keep_every=12, trackers=[])
    one, other = run(plain, data, tmp_path / "one"), run(told, data, tmp_path / "other")
    assert weights_of(one) == weights_of(other)
    store = Store(tmp_path)
    assert store.identity(plain, {"data": "1"}) == store.identity(told, {"data": "1"})


def test_a_run_goes_on_with_other_asides_says_so_and_leaves_no_trace_of_it(
    data: Artefact, tmp_path: Path
) -> None:
    undisturbed = run(toy_train(), data, tmp_path / "undisturbed")
    with pytest.raises(Interrupted):
        run(toy_train(log_every=5), data, tmp_path / "stopped", StopAfter(5))
    reporter = StopAfter()
    made = run(toy_train(speed={"micro_batch": 3, "zero": 0}), data, tmp_path / "stopped", reporter)
    assert reporter.said == ["stage.log_every 5 -> 3 from here on", "goes on after step 5"]
    assert made.files.keys() == undisturbed.files.keys()
    assert weights_of(made) == weights_of(undisturbed)


def test_a_finished_run_does_nothing_more(data: Artefact, tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "made", "checkpoint", "toy")
    first = train(toy_train(), {"data": data}, draft, Quiet())
    reporter = StopAfter()
    assert train(toy_train(), {"data": data}, draft, reporter) == first
    assert reporter.seen == 0


def test_the_newest_checkpoint_that_is_whole_is_taken(data: Artefact, tmp_path: Path) -> None:
    undisturbed = run(toy_train(), data, tmp_path / "undisturbed")
    with pytest.raises(Interrupted):
        run(toy_train(), data, tmp_path / "hurt", StopAfter(9))
    damaged = tmp_path / "hurt.partial" / checkpoints.part(9) / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    foreign = tmp_path / "hurt.partial" / "step-99999999"
    foreign.mkdir()
    reporter, warned = StopAfter(), list[str]()
    draft = Draft.open(tmp_path / "hurt", "checkpoint", "toy", warned.append)
    report = train(toy_train(), {"data": data}, draft, reporter)
    assert reporter.rewound == [8]
    assert "model.safetensors" in warned[0]
    assert draft.commit(report).files == undisturbed.files


def test_a_skipped_step_is_logged_and_does_not_move_the_schedule(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, calls = Engine.update, list[float]()

    def poisoned(self: Engine, learning_rate: float) -> float:
        calls.append(learning_rate)
        if len(calls) == 3:
            next(self.network.parameters()).grad.fill_(torch.nan)  # type: ignore[union-attr]
        return update(self, learning_rate)

    monkeypatch.setattr(Engine, "update", poisoned)
    reporter = StopAfter()
    made = run(toy_train(), data, tmp_path / "made", reporter)
    assert calls[2] == calls[3] > calls[1]
    skipped = [row for row in rows(made) if "skipped" in row]
    assert [row["step"] for row in skipped] == [3]
    assert len(skipped[0]["rows"]) == 8  # type: ignore[arg-type]
    assert made.facts["skipped"] == 1
    assert "step 3 skipped" in reporter.said[0]
    assert all(np.isfinite(value) for row in rows(made) for key, value in row.items() if key != "rows")


def test_a_skipped_step_names_the_rows_of_all_ranks(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, seen = Loader.windows, list[Window]()

    def of_the_first_of_two(self: Loader, steps: Iterable[int], *_: int) -> Iterator[Window]:
        for window in windows(self, steps, 0, 2, 8):
            seen.append(window)
            yield window

    monkeypatch.setattr(Loader, "windows", of_the_first_of_two)
    monkeypatch.setattr(Engine, "update", lambda *_: float("nan"))
    made = run(toy_train(steps=2, evaluate_every=None), data, tmp_path / "made")
    for line, window in zip(skipped_rows(made), seen, strict=True):
        assert len(set(line)) == 8
        assert line[:4] == window.batches[0].samples.tolist()


def test_a_step_with_nothing_to_predict_is_skipped_and_too_many_are_bad_data(tmp_path: Path) -> None:
    unknown = row([[1], [1]])
    some = make_token_set(tmp_path / "some", [row([[5], [6]]), unknown], length=LENGTH)
    one_a_step = {"batch": 1, "objectives": {"mlm": 1.0}, "steps": 4, "patience": 3}
    made = run(toy_train(**one_a_step), some, tmp_path / "made")
    assert made.facts["skipped"] == 2
    assert skipped_rows(made) == [[1], [1]]
    none = make_token_set(tmp_path / "none", [unknown], length=LENGTH)
    with pytest.raises(BadData, match=r"step 3 skipped \(3 in a row\): nothing in its rows"):
        run(toy_train(**one_a_step), none, tmp_path / "other")


def test_realised_masks_are_logged_and_reported(data: Artefact, tmp_path: Path) -> None:
    made = run(toy_train(), data, tmp_path / "made")
    config = toy_train()
    loader = Loader(TokenSet.open(data), config.masking, config.replacement, None, 5, 5, 8, True)
    masks = [loader.window(step).masks for step in range(12)]
    lines = [row for row in rows(made) if "loss" in row]
    for number, line in enumerate(lines):
        of_its_steps = reduce(Masks.plus, masks[3 * number : 3 * number + 3]).realised()
        assert line.items() >= of_its_steps.items()
    assert made.facts["masking"] == reduce(Masks.plus, masks).realised()
    assert 0.1 < lines[-1]["mask_rate"] < 0.25
    assert made.facts["speed"] == {"processes": 1, "micro_batch": 3, "precision": "fp32"}


def test_a_held_out_split_without_rows_stops_nothing(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_out, length = len(TokenSet.open(data, "validation")), TokenSet.__len__
    monkeypatch.setattr(TokenSet, "__len__", lambda tokens: length(tokens) % held_out)
    assert material.open_held_out(toy_train(), {"data": data}) is None
    with pytest.raises(UsageError, match="this split of the token set has no rows"):
        material.open_loader(toy_train(), {"data": data}, "validation")


def test_whole_words_of_a_text_cut_into_characters_are_refused(data: Artefact) -> None:
    settings = {"kind": "encode", "segmenter": {"name": "character"}}
    characters = replace(data, identity={"settings": settings})
    with pytest.raises(UsageError, match=r"span needs words, but .* each character for a word"):
        material.open_loader(toy_train(masking="span"), {"data": characters}, "train")
    material.open_loader(toy_train(masking="token"), {"data": characters}, "train")
    jieba = replace(data, identity={"settings": settings | {"segmenter": {"name": "jieba"}}})
    material.open_loader(toy_train(masking="span"), {"data": jieba}, "train")


@pytest.mark.slow
def test_a_run_with_a_changing_mask_rate_goes_on_to_the_same_bytes(data: Artefact, tmp_path: Path) -> None:
    ramp = {"name": "linear", "from": 0.1, "to": 0.6, "steps": 12}
    config = toy_train(masking={"strategy": "ngram", "budget": ramp, "variants": 2})
    undisturbed = run(config, data, tmp_path / "undisturbed")
    for stop in (5, 3):
        with pytest.raises(Interrupted):
            run(config, data, tmp_path / "stopped", StopAfter(stop))
    again = run(config, data, tmp_path / "stopped")
    assert again.files == undisturbed.files
    rates = [row["mask_rate"] for row in rows(again) if "loss" in row]
    assert rates == sorted(rates)
    assert rates[-1] > 2 * rates[0]


def test_too_many_skipped_steps_end_the_run(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "update", lambda *_: float("nan"))
    with pytest.raises(Diverged, match=r"step 3 skipped \(3 in a row\)"):
        run(toy_train(patience=3), data, tmp_path / "made")


def test_old_checkpoints_go_and_every_nth_stays(data: Artefact, tmp_path: Path) -> None:
    made = run(toy_train(save_every=1, keep_last=1, keep_every=5), data, tmp_path / "made")
    assert made.facts["checkpoints"] == [5, 10, 12]


def test_a_second_phase_starts_from_the_last_weights_of_the_first(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    tiny = {"optimizer": {"name": "adamw", "lr": 1e-12}, "steps": 1, "model": None}
    second = run(toy_train(**tiny, start="first"), data, tmp_path / "second", start=first)
    weights = [
        load_file(made.file(f"{checkpoints.part(step)}/model.safetensors"))
        for made, step in ((first, 12), (second, 1))
    ]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=0, atol=1e-9)
    folder = str(checkpoints.folder(first))
    third = run(toy_train(**tiny, from_pretrained=folder, head_warmup=0), data, tmp_path / "third")
    assert (
        third.files[f"{checkpoints.part(1)}/model.safetensors"]
        == second.files[f"{checkpoints.part(1)}/model.safetensors"]
    )


def test_weights_of_another_vocabulary_are_refused_though_it_is_as_large(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(toy_train(steps=1), data, tmp_path / "first")
    other = make_token_set(tmp_path / "other", toy_rows(9, 0), length=LENGTH, tokens=PLAIN[::-1])
    digests = [TokenSet.open(one).vocabulary.digest for one in (data, other)]
    message = (
        rf"vocabulary {digests[0]}, the token set those of {digests[1]} \(they differ in: tokens\): encode"
    )
    with pytest.raises(UsageError, match=message):
        run(toy_train(model=None, start="first", steps=1), other, tmp_path / "second", start=first)
    shutil.copytree(checkpoints.folder(first), tmp_path / "home" / "bert")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    at_home = toy_train(model=None, from_pretrained="~/bert", steps=1, head_warmup=0)
    assert [path.parent for path in at_home.outside()][:1] == [tmp_path / "home" / "bert"]
    with pytest.raises(UsageError, match=message):
        run(at_home, other, tmp_path / "third")
    run(at_home, data, tmp_path / "fourth")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "home" / "bert" / name).unlink()
    run(at_home, other, tmp_path / "fifth")  # nothing says what its ids mean


@pytest.mark.parametrize(("optimizer", "updates"), [(True, 8 + 1), (False, 1)])
def test_a_fork_starts_from_a_kept_step_with_or_without_its_moments(
    data: Artefact, tmp_path: Path, optimizer: bool, updates: int
) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    tiny = {"optimizer": {"name": "adamw", "lr": 1e-12}, "steps": 1, "model": None, "start": "first"}
    fork = toy_train(**tiny, start_step=8, start_optimizer=optimizer)
    made = run(fork, data, tmp_path / "fork", start=first)
    name = "cls.predictions.bias"
    of_first, of_fork = (
        load_file(one.file(f"{checkpoints.part(step)}/model.safetensors"))[name]
        for one, step in ((first, 8), (made, 1))
    )
    torch.testing.assert_close(of_fork, of_first, rtol=0, atol=1e-9)
    moments = load_file(made.file(f"{checkpoints.part(1)}/optimizer-00001-of-00001.safetensors"))
    assert {int(value) for key, value in moments.items() if "/step/" in key} == {updates}


def test_a_fork_from_a_step_that_was_not_kept_names_those_that_were(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    with pytest.raises(UsageError, match="keeps no step 5; it keeps 8, 12"):
        run(toy_train(model=None, start="first", start_step=5), data, tmp_path / "fork", start=first)


def test_a_token_set_for_another_pair_objective_is_refused(data: Artefact, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'nsp' needs rows whose segment B .* random_next: 0.5"):
        run(toy_train(objectives={"mlm": 1.0, "nsp": 1.0}), data, tmp_path / "asked for nsp")
    rows = [replace(row, second_document=row.document + row.document % 2) for row in toy_rows(20, 0)]
    pairs = make_token_set(tmp_path / "pairs", rows, length=LENGTH)
    with pytest.raises(UsageError, match=r"'sop' needs segments that follow .* packing.random_next 0"):
        run(toy_train(), pairs, tmp_path / "asked for sop")
    done = run(toy_train(objectives={"mlm": 1.0, "nsp": 1.0}, steps=2, batch=20), pairs, tmp_path / "done")
    last = [json.loads(line) for line in done.file("log.jsonl").read_text().splitlines() if "nsp" in line][-1]
    assert 0 <= last["nsp_accuracy"] <= 1
    assert last["loss"] == pytest.approx(last["mlm"] + last["nsp"])


def test_missing_heads_are_said(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(objectives={"mlm": 1.0}, steps=1), data, tmp_path / "first")
    reporter = StopAfter()
    run(toy_train(model=None, start="first", steps=1), data, tmp_path / "second", reporter, start=first)
    assert "seq_relationship.weight" in reporter.said[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": {"name": "linear", "warmup_steps": 13}}, "warmup_steps is 13"),
        ({"model": None}, "none of them"),
        ({"start": "first"}, "model and start"),
        ({"start_step": 4}, "belong to `start`"),
        ({"optimizer": "lamb", "speed": {"zero": 1}}, "lamb needs every tensor whole"),
    ],
)
def test_settings_that_contradict_each_other(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        toy_train(**changes)


def test_deepspeed_keys_are_laid_over_ours(data: Artefact, tmp_path: Path) -> None:
    keys = {"zero_optimization": {"reduce_bucket_size": 1000}}
    made = run(toy_train(steps=1, speed={"zero": 1}, deepspeed=keys), data, tmp_path / "made")
    written = json.loads(made.file("deepspeed.json").read_bytes())
    assert written["zero_optimization"]["stage"] == 1
    assert written["zero_optimization"]["reduce_bucket_size"] == 1000


def test_deepspeed_keys_may_change_the_result_and_so_are_part_of_what_is_made(tmp_path: Path) -> None:
    def identity(**changes: object) -> JSON:
        return Store(tmp_path).identity(toy_train(**changes), {})

    assert identity(deepspeed={"gradient_clipping": 0.1}) != identity()
    assert identity(speed={"micro_batch": 1}) == identity()


def trains(data: Path, final: Path, threads: int, beside: bool) -> None:
    torch.set_num_threads(threads)
    speed = {"micro_batch": 3, "async_save": beside}
    run(toy_train(steps=60, save_every=3, speed=speed), Artefact.open(data), final)


def kill_in_training(data: Artefact, final: Path, delay: float, beside: bool) -> None:
    """Start training in another process and kill it `delay` seconds after its next checkpoint."""
    partial = final.with_name(final.name + ".partial")
    before = {path.name for path in partial.glob("step-*")}
    arguments = (data.path, final, torch.get_num_threads(), beside)
    process = forkserver().Process(target=trains, args=arguments)
    process.start()
    while process.is_alive() and {path.name for path in partial.glob("step-*")} <= before:
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(data: Artefact, tmp_path: Path) -> None:
    """Killed as a checkpoint is just being made, then some steps after one that was saved beside training."""
    for delay, beside in ((0.0, False), (0.05, True)):
        kill_in_training(data, tmp_path / "killed", delay, beside)
    config, reporter = toy_train(steps=60, save_every=3), StopAfter()
    killed = run(config, data, tmp_path / "killed", reporter)
    assert 0 < reporter.rewound[0] < 60
    undisturbed = run(config, data, tmp_path / "undisturbed")
    assert killed.files == undisturbed.files
    assert killed.facts == undisturbed.facts
