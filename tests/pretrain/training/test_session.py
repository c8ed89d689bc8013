"""What a session looks after between its steps: spikes, forks, steps left out, what is kept, the clock."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError
from safetensors.torch import load_file

from corpora.artefact import Artefact, Draft
from corpora.errors import CorruptArtefact, Interrupted, UsageError
from corpora.stage import roles_of
from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.running.chain import opened
from pretrain.training import checkpoints, pace, trend
from pretrain.training.material import open_loader
from pretrain.training.settings import Train
from tests.pretrain.toys import NETWORK, run, toy_rows, toy_train
from tests.pretrain.training.test_stage import StopAfter, rows
from tests.tokenization.making import make_token_set


def logged(artefact: Artefact, key: str) -> list[dict[str, object]]:
    lines = map(json.loads, artefact.file("log.jsonl").read_text().splitlines())
    return [line for line in lines if key in line]


def weights(artefact: Artefact, step: int) -> bytes:
    return artefact.file(f"{checkpoints.part(step)}/model.safetensors").read_bytes()


def test_a_step_whose_loss_leaps_up_names_its_documents(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trend, "KNOWN", 3)
    reporter, calm = StopAfter(), StopAfter()
    leaping = {"schedule": {"name": "constant", "warmup_steps": 0}, "optimizer": {"name": "adamw", "lr": 1.0}}
    made = run(toy_train(spike=0.5, **leaping), data, tmp_path / "made", reporter)
    found = logged(made, "spike")
    assert found
    for line in found:
        samples = open_loader(toy_train(), {"data": data}, "train").samples(int(str(line["step"])) - 1)
        assert line["documents"] == {str(row): [f"train-00000: document {row}"] for row in samples.tolist()}
        assert float(str(line["sigmas"])) > 0.5
    said = [line for line in reporter.said if "sigma above its mean" in line]
    assert len(said) == len(found)
    assert "its documents: train-00000: document " in said[0]
    run(toy_train(spike=None, **leaping), data, tmp_path / "calm", calm)
    assert not calm.said


def test_steps_that_are_left_out_read_nothing_and_move_nothing(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, read = Loader.window, list[int]()

    def seen(self: Loader, step: int, *others: int) -> Window:
        read.append(step)
        return window(self, step, *others)

    monkeypatch.setattr(Loader, "window", seen)
    config = toy_train(skip=[[3, 5], [8, 8]], log_every=1, evaluate_every=None)
    made = run(config, data, tmp_path / "made")
    assert read == [0, 1, 5, 6, 8, 9, 10, 11]
    lines = logged(made, "loss")
    assert [line["step"] for line in lines] == [1, 2, 6, 7, 9, 10, 11, 12]
    rates = [1e-2 * config.schedule.factor(update, 12) for update in range(8)]
    assert [line["learning_rate"] for line in lines] == pytest.approx(rates)
    assert made.facts["skipped"] == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skip": [[5, 4]]}, r"skip: \[5, 4\] is no stretch"),
        ({"skip": [[5, 12]]}, r"skip: \[5, 12\] is no stretch of steps before the last one, 12"),
        ({"keep_best": "mlm"}, None),
        ({"keep_best": "nsp"}, "'nsp' is none of mlm, sop, mlm_accuracy, sop_accuracy"),
        ({"keep_best": "mlm", "evaluate_every": None}, "keep_best needs measures"),
        ({"keep_every": 8, "save_every": "10 minutes"}, "keep_every counts steps"),
        ({"model": None, "start": "a.partial"}, "a.partial is not finished: say its step"),
        ({"schedule": {"name": "constant", "warmup_steps": 6, "cooldown_steps": 7}}, "with cooldown is 13"),
        ({"start_progress": True}, "belong to `start`"),
        ({"hours": 0.0}, "greater than 0"),
    ],
)
def test_wishes_that_cannot_be_met(changes: dict[str, object], message: str | None) -> None:
    if message is None:
        toy_train(**changes)
        return
    with pytest.raises(ValidationError, match=message):
        toy_train(**changes)


def fork_of(step: int, **changes: object) -> Train:
    return toy_train(
        model=None, start="first", start_step=step, start_optimizer=True, start_progress=True, **changes
    )


def test_a_fork_that_counts_on_ends_where_the_original_does(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    fork = run(
        fork_of(8, schedule={"name": "linear", "warmup_steps": 3}), data, tmp_path / "fork", start=first
    )
    assert weights(fork, 12) == weights(first, 12)
    assert fork.facts["checkpoints"] == [12]
    assert [line["step"] for line in logged(fork, "loss")] == [9, 12]
    short = fork_of(8, steps=8)
    with pytest.raises(UsageError, match="steps is 8, and `start` stands after step 8"):
        run(short, data, tmp_path / "short", start=first)


def test_a_fork_passes_by_what_made_its_original_spike(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    fork = run(fork_of(8, steps=12, skip=[[9, 10]], log_every=1), data, tmp_path / "fork", start=first)
    assert [line["step"] for line in logged(fork, "loss")] == [11, 12]
    assert weights(fork, 12) != weights(first, 12)


def test_a_step_of_a_stage_that_never_ended_can_be_forked(data: Artefact, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(toy_train(), data, tmp_path / "stopped", StopAfter(9))
    draft = tmp_path / "stopped.partial"
    before = {path: path.read_bytes() for path in draft.rglob("*") if path.is_file()}
    mark = roles_of(Train)["start"]
    stopped = opened(draft, mark)
    linear = {"name": "linear", "warmup_steps": 3}
    fork = run(fork_of(8, schedule=linear), data, tmp_path / "fork", start=stopped)
    assert weights(fork, 12) == weights(run(toy_train(), data, tmp_path / "whole"), 12)
    assert {path: path.read_bytes() for path in draft.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match="keeps no step 5; it keeps 8, 9"):
        run(fork_of(5), data, tmp_path / "other", start=stopped)
    damaged = draft / checkpoints.part(8) / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptArtefact, match=r"model\.safetensors"):
        run(fork_of(8), data, tmp_path / "again", start=opened(draft, mark))
    with pytest.raises(UsageError, match="no journal"):
        opened(tmp_path, mark)
    Draft.open(tmp_path / "tokens", "tokens", "x")
    with pytest.raises(UsageError):
        opened(tmp_path / "tokens.partial", roles_of(Train)["data"])


@pytest.mark.parametrize(("measure", "better"), [("mlm", min), ("mlm_accuracy", max)])
def test_the_best_step_is_kept_though_it_is_not_among_the_last(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measure: str, better: object
) -> None:
    from pretrain.training import session

    course = iter([0.5, 0.3, 0.9, 0.7, 0.6, 0.6])

    def measured(*_: object) -> dict[str, float]:
        return {
            "mlm": (value := next(course)),
            "mlm_accuracy": value,
            "unigram_accuracy": 0.1,
            "copy_accuracy": 0.1,
        }

    monkeypatch.setattr(session, "evaluate", measured)
    config = toy_train(keep_best=measure, evaluate_every=2, keep_last=1)
    made = run(config, data, tmp_path / "made")
    assert made.facts["checkpoints"] == [4 if better is min else 6, 12]


def test_a_stopped_run_remembers_its_best_step(data: Artefact, tmp_path: Path) -> None:
    config = toy_train(keep_best="mlm_accuracy", evaluate_every=2, keep_last=1)
    undisturbed = run(config, data, tmp_path / "undisturbed")
    for stop in (5, 4):
        with pytest.raises(Interrupted):
            run(config, data, tmp_path / "stopped", StopAfter(stop))
    assert run(config, data, tmp_path / "stopped").files == undisturbed.files


@pytest.mark.parametrize("optimizer", ["bert_adam", "lamb", "adamw"])
def test_fused_kernels_and_rates_by_layer_go_on_to_the_same_bytes(
    data: Artefact, tmp_path: Path, optimizer: str
) -> None:
    config = toy_train(optimizer={"name": optimizer, "lr": 1e-2, "layer_decay": 0.5}, evaluate_every=None)
    with pytest.raises(Interrupted):
        run(config, data, tmp_path / "stopped", StopAfter(5))
    assert run(config, data, tmp_path / "stopped").files == run(config, data, tmp_path / "whole").files


def clocked(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """A clock that has moved so far whenever it is looked at."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: seconds * next(ticks)))


def test_a_time_budget_ends_the_run_and_its_schedule(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocked(monkeypatch, 36.0)  # a step; 0.1 hours are ten of them
    config = toy_train(steps=1000, hours=0.1, save_every=1000, evaluate_every=None)
    with pytest.raises(Interrupted):
        run(config, data, tmp_path / "made", StopAfter(4))
    made = run(config, data, tmp_path / "made")
    factors = [line["factor"] for line in logged(made, "factor")]
    assert factors == pytest.approx([config.schedule.factor(update, 10) for update in range(10)])
    assert made.facts["steps"] == 10
    assert made.facts["checkpoints"] == [10]
    assert "10 steps" in made.summary
    assert logged(made, "loss")[-1]["learning_rate"] == pytest.approx(1e-2 * 0.1)


def test_saves_by_the_clock_are_kept_like_others(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clocked(monkeypatch, 20.0)
    made = run(toy_train(save_every="1 minute"), data, tmp_path / "made")
    assert made.facts["checkpoints"] == [9, 12]


def test_a_second_phase_reads_longer_rows(data: Artefact, tmp_path: Path) -> None:
    """Length 24, then 48; other masks and another objective; as long as the network has the positions."""
    short = make_token_set(tmp_path / "short", toy_rows(40, 5), toy_rows(8, 6), length=24)
    first = run(toy_train(objectives={"mlm": 1.0}, steps=4), short, tmp_path / "first")
    phase = {"model": None, "start": "first", "steps": 4, "masking": "ngram"}
    second = run(toy_train(**phase, start_optimizer=True), data, tmp_path / "second", start=first)
    assert len(logged(second, "sop")) == 2
    before, after = (load_file(checkpoints.folder(made) / "model.safetensors") for made in (first, second))
    table = "bert.embeddings.position_embeddings.weight"
    assert before[table].shape == after[table].shape
    narrow = toy_train(objectives={"mlm": 1.0}, steps=1, model=NETWORK | {"max_position_embeddings": 24})
    third = run(narrow, short, tmp_path / "third")
    with pytest.raises(UsageError, match="rows of up to 48 tokens, but the network has 24 positions"):
        run(toy_train(**phase), data, tmp_path / "fourth", start=third)
    assert rows(second)


def test_dropout_is_on_from_the_first_step_of_a_network_that_was_trained_before(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, on = run(toy_train(steps=1, save_every=1), data, tmp_path / "first"), list[bool]()
    update = Engine.update

    def seen(self: Engine, learning_rate: float) -> float:
        on.append(all(module.training for module in self.network.modules()))
        return update(self, learning_rate)

    monkeypatch.setattr(Engine, "update", seen)
    run(toy_train(model=None, start="first", steps=2), data, tmp_path / "second", start=first)
    assert on == [True, True]


def test_a_held_out_loss_that_is_no_number_is_said_and_never_kept(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pretrain.training import session

    course = iter([float("nan"), 2.0, float("inf")])

    def measured(*_: object) -> dict[str, float]:
        return {"mlm": next(course), "mlm_accuracy": 0.1, "unigram_accuracy": 0.1, "copy_accuracy": 0.1}

    monkeypatch.setattr(session, "evaluate", measured)
    reporter, config = StopAfter(), toy_train(keep_best="mlm", evaluate_every=4, keep_last=1)
    made = run(config, data, tmp_path / "made", reporter)
    assert [line["step"] for line in logged(made, "held_out_mlm")] == [8]
    assert [line["step"] for line in logged(made, "held_out_mlm_accuracy")] == [4, 8, 12]
    assert made.facts["checkpoints"] == [8, 12]
    assert reporter.said == [f"step {step}: the loss on held-out rows is no number" for step in (4, 12)]


def test_a_skipped_step_is_in_no_mean_and_in_no_trend(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update, calls = Engine.update, list[float]()

    def poisoned(self: Engine, learning_rate: float) -> float:
        calls.append(learning_rate)
        if len(calls) % 12 == 5:
            next(self.network.parameters()).grad.fill_(float("inf"))  # type: ignore[union-attr]
        return update(self, learning_rate)

    monkeypatch.setattr(Engine, "update", poisoned)
    one, three = (
        run(toy_train(log_every=every, evaluate_every=None), data, tmp_path / str(every)) for every in (1, 3)
    )
    each = {int(str(line["step"])): line for line in logged(one, "loss")}
    assert each.keys() == set(range(1, 13)) - {5}
    second = logged(three, "loss")[1]  # of steps 4 to 6
    assert second["real_tokens"] == int(str(each[4]["real_tokens"])) + int(str(each[6]["real_tokens"]))
    norms = [float(str(each[step]["gradient_norm"])) for step in (4, 6)]
    assert second["gradient_norm"] == pytest.approx(sum(norms) / 2)
    progress = checkpoints.read(checkpoints.folder(one)).progress
    assert (progress.step, progress.updates, progress.trend.losses) == (12, 11, 11)
    assert calls[5] == calls[4]


def test_a_fork_says_what_it_is_a_fork_of(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(), data, tmp_path / "first")
    assert first.facts["start"] == {}
    last = run(toy_train(model=None, start="first", steps=1), data, tmp_path / "last", start=first)
    assert last.facts["start"] == {
        "checkpoint": first.fingerprint,
        "step": 12,
        "optimizer": False,
        "progress": False,
    }
