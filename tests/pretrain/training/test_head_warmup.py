"""Heads that know nothing learn first, and nothing but them does."""

import os
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor

from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted
from corpora.reporter import Quiet
from pretrain.engine.deepspeed import Ranks
from pretrain.loading import Loader
from pretrain.networks import weights
from pretrain.networks.network import Model, Network, build
from pretrain.training import checkpoints, head_warmup
from pretrain.training.head_warmup import Heads, warm_up
from pretrain.training.stage import train
from tests.pretrain.ranks import on_ranks
from tests.pretrain.toys import LENGTH, NETWORK, NO_DROPOUT, run, toy_rows, toy_train
from tests.pretrain.training.test_stage import StopAfter, rows
from tests.tokenization.making import SIZE, make_token_set
from tokenization.tokens import TokenSet

STILL = {
    "model": None,
    "steps": 1,
    "batch": 16,
    "objectives": {"mlm": 1.0},
    "optimizer": {"name": "adamw", "lr": 1e-12, "weight_decay": 0.0},
}
"""One step that changes nothing to speak of: what is left is what the head learnt before."""

STEPS = 30


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """Rows that are all the same: what stands where can be learnt from positions alone."""
    one = toy_rows(2, 3)[1]
    return make_token_set(tmp_path_factory.mktemp("tokens") / "data", [one] * 20, [one] * 4, length=LENGTH)


@pytest.fixture(scope="module")
def headless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder without a head, and without a tokenizer."""
    folder = tmp_path_factory.mktemp("headless")
    encoder = build(Model.model_validate(NETWORK | NO_DROPOUT), SIZE, 0, pairs=False, seed=3).bert
    weights.save(encoder, encoder.state_dict(), folder / weights.WEIGHTS)
    (folder / "config.json").write_text(weights.describe(encoder))
    return folder


def network(pairs: bool = False) -> Network:
    return Network(build(Model.model_validate(NETWORK | NO_DROPOUT), SIZE, 0, pairs, seed=3))


def heads(data: Artefact, network: Network, **objectives: float) -> Heads:
    config = toy_train(objectives=objectives)
    learning, measuring = (
        Loader(
            TokenSet.open(data, split),
            config.masking,
            config.replacement,
            None,
            5,
            5,
            16,
            "sop" in objectives,
        )
        for split in ("train", "validation")
    )
    return Heads(network, config.objectives.active(), Ranks.join(), learning, measuring, micro_batch=8)


def copied(network: Network) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.model.named_parameters()}


def changed(network: Network, before: dict[str, Tensor]) -> set[str]:
    return {name for name, now in network.model.named_parameters() if not torch.equal(now, before[name])}


def test_an_untrained_head_learns_and_nothing_else_does(data: Artefact) -> None:
    net, reporter = network(), StopAfter()
    before = copied(net)
    lines = warm_up(heads(data, net, mlm=1.0), STEPS, choose=True, seed=0, reporter=reporter)
    assert changed(net, before) == {name for name in before if name.startswith("cls.predictions")}
    assert net.model.cls.predictions.decoder.weight is net.model.get_input_embeddings().weight
    assert [line["head_warmup_step"] for line in lines] == [0, STEPS]
    assert lines[0]["head_mlm_accuracy"] <= lines[0]["head_mlm_baseline"]
    assert lines[-1]["head_mlm_accuracy"] > 1.5 * lines[-1]["head_mlm_baseline"]
    assert reporter.measured == lines
    assert "the head for mlm is trained first, the encoder frozen" in reporter.said
    assert f"after {STEPS} steps: mlm" in reporter.said[-1]
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())


def test_a_trained_head_stays_as_it_is_unless_told_otherwise(data: Artefact) -> None:
    net = network()
    warm_up(heads(data, net, mlm=1.0), STEPS, choose=True, seed=0, reporter=StopAfter())
    before, reporter = copied(net), StopAfter()
    lines = warm_up(heads(data, net, mlm=1.0), STEPS, choose=True, seed=0, reporter=reporter)
    assert len(lines) == 1
    assert not changed(net, before)
    assert len(reporter.said) == 1
    forced = warm_up(heads(data, net, mlm=1.0), 3, choose=False, seed=0, reporter=StopAfter())
    assert [line["head_warmup_step"] for line in forced] == [0, 3]
    assert changed(net, before)


def test_rounds_in_vain_end_it(data: Artefact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_warmup, "ROUND", 2)
    monkeypatch.setattr(head_warmup, "LEARNING_RATE", 0.0)
    lines = warm_up(heads(data, network(), mlm=1.0), STEPS, choose=True, seed=0, reporter=StopAfter())
    assert [line["head_warmup_step"] for line in lines] == [0, 2, 4, 6, 8]


def test_a_missing_pair_head_learns_with_its_pooler_alone(data: Artefact) -> None:
    net = network(pairs=True)
    both = heads(data, net, mlm=1.0, sop=1.0)
    first = both.measure(0)
    warm_up(heads(data, net, mlm=1.0), STEPS, choose=False, seed=0, reporter=StopAfter())
    before = copied(net)
    lines = warm_up(both, 5, choose=True, seed=0, reporter=StopAfter())
    assert first["head_sop_accuracy"] <= first["head_sop_baseline"]
    assert lines[-1]["head_mlm_accuracy"] == lines[0]["head_mlm_accuracy"] > 0.3
    pair = {name for name in before if "pooler" in name or "seq_relationship" in name}
    assert changed(net, before) == pair


def test_a_run_says_keeps_and_repeats_what_the_head_learnt(
    data: Artefact, headless: Path, tmp_path: Path
) -> None:
    config, reporter = toy_train(**STILL, from_pretrained=str(headless), head_warmup=STEPS), StopAfter()
    made = run(config, data, tmp_path / "made", reporter)
    assert "lacks cls.predictions.bias" in reporter.said[0]
    assert reporter.rewound == [-1, 0]
    logged = [row for row in rows(made) if "head_warmup_step" in row]
    assert [row["head_warmup_step"] for row in logged] == [0, STEPS]
    assert made.facts["head_warmup"] == logged[-1:]
    last = made.facts["held_out"]
    assert last["held_out_mlm_accuracy"] > last["held_out_unigram_accuracy"]
    trained = load_file(checkpoints.folder(made) / weights.WEIGHTS)
    for name, tensor in load_file(headless / weights.WEIGHTS).items():
        if "pooler" not in name:
            torch.testing.assert_close(trained[f"bert.{name}"], tensor, rtol=0, atol=1e-7)
    with pytest.raises(Interrupted, match="the same command does it again"):
        run(config, data, tmp_path / "stopped", StopAfter(7))
    assert not list((tmp_path / "stopped.partial").glob("step-*"))
    assert run(config, data, tmp_path / "stopped").files == made.files


def test_the_steps_see_the_same_rows_with_it_or_without(
    data: Artefact, headless: Path, tmp_path: Path
) -> None:
    few = STILL | {"from_pretrained": str(headless), "steps": 2, "log_every": 1}
    with_it, without = (
        run(toy_train(**few, head_warmup=steps), data, tmp_path / str(steps)) for steps in (2, 0)
    )
    kept = ("step", "real_tokens", "mask_rate", "mask_rate_deviation", "mask_share", "random_share")
    for one, other in zip(
        *([row for row in rows(m) if "loss" in row] for m in (with_it, without)), strict=True
    ):
        assert [one[key] for key in kept] == [other[key] for key in kept]
    assert without.facts["head_warmup"] == []
    assert not any("head_warmup_step" in row for row in rows(without))


def test_without_held_out_rows_those_to_learn_from_are_measured(headless: Path, tmp_path: Path) -> None:
    data = make_token_set(tmp_path / "data", [toy_rows(2, 3)[1]] * 9, length=LENGTH)
    made = run(toy_train(**STILL, from_pretrained=str(headless)), data, tmp_path / "made")
    assert made.facts["head_warmup"][0]["head_mlm_baseline"] > 0


def test_a_later_phase_is_measured_only_where_a_head_is_new(data: Artefact, tmp_path: Path) -> None:
    first = run(toy_train(objectives={"mlm": 1.0}, steps=1), data, tmp_path / "first")
    phase = {"model": None, "start": "first", "steps": 1}
    same = run(toy_train(**phase, objectives={"mlm": 1.0}), data, tmp_path / "same", start=first)
    assert same.facts["head_warmup"] == []
    more = run(toy_train(**phase), data, tmp_path / "more", start=first)
    assert set(more.facts["head_warmup"][0]) > {"head_sop_accuracy"}


@pytest.mark.parametrize("asked", [-1, "never", 0.5])
def test_only_auto_or_a_number_of_steps(asked: object) -> None:
    with pytest.raises(ValidationError):
        toy_train(head_warmup=asked)


def trains_the_head(data: Path, base: Path, folder: Path) -> None:
    """The part of one rank."""
    words = folder, "checkpoint", "toy"
    draft = Draft.open(*words) if os.environ["RANK"] == "0" else Draft(*words)
    config = toy_train(**STILL | {"batch": 7}, from_pretrained=str(base), head_warmup=4)
    report = train(config, {"data": Artefact.open(data)}, draft, Quiet())
    if os.environ["RANK"] == "0":
        draft.commit(report)


@pytest.mark.slow
def test_two_processes_train_the_head_that_one_does(data: Artefact, headless: Path, tmp_path: Path) -> None:
    config = toy_train(**STILL | {"batch": 7}, from_pretrained=str(headless), head_warmup=4)
    alone = run(config, data, tmp_path / "alone")
    on_ranks(2, trains_the_head, tmp_path, data.path, headless, tmp_path / "two")
    two = Artefact.open(tmp_path / "two")
    states = [load_file(checkpoints.folder(made) / weights.WEIGHTS) for made in (alone, two)]
    for name, tensor in states[0].items():
        torch.testing.assert_close(states[1][name], tensor, rtol=0, atol=1e-5)
    measured = [made.facts["head_warmup"] for made in (alone, two)]
    assert measured[0] == measured[1]
