"""fp16: the loss scale follows overflows, costs them alone, and is part of a checkpoint."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from corpora.artefact import Artefact
from corpora.errors import Diverged, Interrupted
from pretrain.engine import loss_scale
from pretrain.engine.deepspeed import Engine
from pretrain.engine.loss_scale import LossScale
from pretrain.networks.generators import Sharing
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.step import train_step
from pretrain.training import checkpoints
from tests.pretrain import pairs
from tests.pretrain.toys import (
    NETWORK,
    NO_DROPOUT,
    OBJECTIVES,
    run,
    toy_batch,
    toy_engine,
    toy_network,
    toy_train,
)
from tests.pretrain.toys import toy_window as window
from tests.pretrain.training.test_stage import StopAfter, rows


def scaled(zero: int, scale: float, network: PairNetwork | None = None) -> Engine:
    """An engine whose fp16 gradients are scaled."""
    engine = toy_engine(network or Network(toy_network().model, "fp16"), zero, clip=0.7)
    engine.scaling = LossScale(scale)
    return engine


def test_the_scale_doubles_after_many_good_updates_and_halves_at_once() -> None:
    scale = LossScale(8.0, loss_scale.PATIENCE - 2).after_update()
    assert scale == LossScale(8.0, loss_scale.PATIENCE - 1)
    assert scale.after_update() == LossScale(16.0, 0)
    assert scale.after_overflow() == LossScale(4.0, 0, 1)
    assert LossScale(loss_scale.ROOF, loss_scale.PATIENCE).after_update().scale == loss_scale.ROOF
    with pytest.raises(Diverged, match=r"loss scale of 1 \(after 7 overflows in all\)"):
        LossScale(1.0, 5, 7).after_overflow()


@pytest.mark.parametrize("zero", range(4))
def test_a_scale_changes_norm_and_weights_by_rounding_alone(zero: int) -> None:
    """Clipped, over uneven micro-batches; against float32."""
    windows = [window(n, toy_batch(4, 2 * n, masked=9), toy_batch(3, 2 * n + 1, masked=2)) for n in range(3)]
    plain, half = toy_engine(toy_network(), zero, clip=0.7), scaled(zero, 2.0**12)
    for one in windows:
        wanted, got = (train_step(engine, one, OBJECTIVES, 1e-3, seed=0) for engine in (plain, half))
        assert got.applied
        assert got.norm == pytest.approx(wanted.norm, rel=5e-3)
        assert got.losses == pytest.approx(wanted.losses, rel=2e-3)
    weights = plain.weights()
    for name, tensor in half.weights().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=2e-3)
    assert half.scaling == LossScale(2.0**12, 3)


@pytest.mark.parametrize("zero", range(4))
def test_an_overflow_costs_one_step_and_half_the_scale_and_no_weight(zero: int) -> None:
    engine, one = scaled(zero, 2.0**40), window(0, toy_batch(4, 0))
    before = engine.weights()
    step = train_step(engine, one, OBJECTIVES, 1e-2, seed=0)
    assert not step.applied
    assert engine.overflowed
    assert engine.scaling == LossScale(2.0**39, 0, 1)
    assert all(torch.equal(before[name], tensor) for name, tensor in engine.weights().items())
    engine.scaling = LossScale(2.0**10)
    assert train_step(engine, one, OBJECTIVES, 1e-2, seed=0).applied
    assert not engine.overflowed


@pytest.mark.parametrize(("sharing", "zero"), [("tied", 2), ("gdes", 0)])
def test_an_overflow_of_a_pair_leaves_both_networks_as_they_were(sharing: Sharing, zero: int) -> None:
    network, one = pairs.pair(sharing=sharing, precision="fp16"), window(0, toy_batch(4, 0))
    engine, tied = scaled(zero, 2.0**40, network), network.model.all_tied_weights_keys
    before = engine.weights()
    assert not train_step(engine, one, pairs.OBJECTIVES, 1e-2, seed=0).applied
    assert engine.overflowed
    assert all(torch.equal(before[name], tensor) for name, tensor in engine.weights().items())
    engine.scaling = LossScale(2.0**6)
    assert train_step(engine, one, pairs.OBJECTIVES, 1e-2, seed=0).applied
    after = engine.weights()
    assert all(torch.equal(after[one], after[other]) for one, other in tied.items())


@pytest.mark.parametrize("zero", [0, 2])
def test_a_loss_that_is_no_number_is_no_overflow(zero: int) -> None:
    engine = scaled(zero, 2.0**10)
    bad = {name: one.model_copy(update={"weight": float("nan")}) for name, one in OBJECTIVES.items()}
    assert not train_step(engine, window(0, toy_batch(4, 0)), bad, 1e-2, seed=0).applied
    assert not engine.overflowed
    assert engine.scaling == LossScale(2.0**10)


def test_overflows_are_counted_apart_and_the_scale_survives_a_stop(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss_scale, "PATIENCE", 2)
    first = dataclasses.replace(LossScale(), scale=2.0**34)
    monkeypatch.setattr("pretrain.training.equipment.LossScale", lambda: first)
    config = toy_train(model=NETWORK | NO_DROPOUT, speed={"micro_batch": 3, "precision": "fp16"}, patience=1)
    undisturbed = run(config, data, tmp_path / "undisturbed")
    with pytest.raises(Interrupted):
        run(config, data, tmp_path / "stopped", StopAfter(7))
    stopped = tmp_path / "stopped.partial" / checkpoints.part(7) / "engine.json"
    assert json.loads(stopped.read_text())["scaling"]["overflows"] > 0
    made = run(config, data, tmp_path / "stopped")
    assert made.files == undisturbed.files
    overflows = [row for row in rows(made) if "overflow" in row]
    assert made.facts["overflows"] == len(overflows) > 0
    assert made.facts["skipped"] == 0
    assert overflows[0]["step"] == 1
