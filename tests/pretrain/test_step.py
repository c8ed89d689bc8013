import dataclasses
from typing import Any

import pytest
import torch

from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine
from pretrain.networks.network import Network
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW
from pretrain.step import train_step
from tests.pretrain.toys import OBJECTIVES, toy_batch, toy_engine, toy_network, toy_window


def windows(count: int) -> list[Window]:
    """Windows whose micro-batches differ in rows and in positions to predict, down to none."""
    return [
        toy_window(
            n,
            toy_batch(4, 3 * n, masked=9),
            toy_batch(2, 3 * n + 1, masked=2),
            toy_batch(3, 3 * n + 2, masked=0),
        )
        for n in range(count)
    ]


def plain_torch(network: Network, steps: list[Window], clip: float) -> list[float]:
    """What a page of plain PyTorch does: one loss over the whole window, its gradient, clip, AdamW."""
    optimizer = AdamW(lr=1e-2).build(network)
    norms = []
    for window in steps:
        tokens, pairs = [], []
        for batch in window.batches:
            said = network.model(
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask.long(),
                token_type_ids=batch.token_type_ids,
            )
            logits = said.prediction_logits.flatten(0, 1)[batch.masked_positions]
            tokens.append(torch.nn.functional.cross_entropy(logits, batch.masked_targets, reduction="none"))
            known = batch.pair_labels >= 0
            pairs.append(
                torch.nn.functional.cross_entropy(
                    said.seq_relationship_logits[known], batch.pair_labels[known], reduction="none"
                )
            )
        (torch.cat(tokens).mean() + 0.5 * torch.cat(pairs).mean()).backward()  # type: ignore[no-untyped-call]
        norms.append(float(torch.nn.utils.clip_grad_norm_(network.parameters(), clip)))
        optimizer.step()
        optimizer.zero_grad()
    return norms


def state(engine: Engine) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in engine.weights().items()}


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
def test_five_steps_equal_plain_pytorch(zero: int) -> None:
    steps = windows(5)
    engine, reference = toy_engine(toy_network(), zero, clip=0.7), toy_network()
    norms = [train_step(engine, window, OBJECTIVES, 1e-2, seed=0).norm for window in steps]
    assert norms == pytest.approx(plain_torch(reference, steps, clip=0.7), rel=1e-4)
    for name, tensor in reference.model.state_dict().items():
        torch.testing.assert_close(state(engine)[name], tensor, rtol=1e-5, atol=2e-6, msg=name)


def test_measures_are_sums_over_the_window() -> None:
    (window,) = windows(1)
    step = train_step(toy_engine(toy_network()), window, OBJECTIVES, 0.0, seed=0)
    assert step.counts == {"mlm": 11, "sop": 6}
    assert all(0 <= step.hits[name] <= step.counts[name] for name in step.counts)
    alone = [
        train_step(toy_engine(toy_network()), toy_window(0, batch), OBJECTIVES, 0.0, seed=0)
        for batch in window.batches
    ]
    for name in step.losses:
        assert step.losses[name] == pytest.approx(sum(one.losses[name] for one in alone), rel=1e-5)


def test_dropout_depends_on_the_step_and_the_seed_alone() -> None:
    (window,) = windows(1)
    losses = []
    for step, seed in ((0, 0), (0, 0), (1, 0), (0, 1)):
        engine = toy_engine(toy_network(dropout=0.3))
        torch.rand(7)  # whatever was drawn before does not count
        losses.append(
            train_step(engine, dataclasses.replace(window, step=step), OBJECTIVES, 0.0, seed).losses["mlm"]
        )
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_number_that_is_none_costs_one_step_and_no_weight(zero: int, poison: float) -> None:
    good, bad, last = windows(3)
    engine, undisturbed = (toy_engine(toy_network(), zero) for _ in range(2))
    train_step(engine, good, OBJECTIVES, 1e-2, seed=0)
    before = state(engine)
    model: Any = engine.network.model
    head = model.cls.seq_relationship  # its weights may be sharded: poison what it says
    poisoned = head.register_forward_hook(lambda *given: given[-1] * poison)
    step = train_step(engine, bad, OBJECTIVES, 1e-2, seed=0)
    poisoned.remove()
    assert not step.applied
    assert all(torch.equal(before[name], tensor) for name, tensor in state(engine).items())
    assert train_step(engine, last, OBJECTIVES, 1e-2, seed=0).applied
    for window in (good, last):  # the moments, too, never saw the bad step
        train_step(undisturbed, window, OBJECTIVES, 1e-2, seed=0)
    after = state(undisturbed)
    assert all(torch.equal(after[name], tensor) for name, tensor in state(engine).items())


def test_an_infinite_loss_with_finite_gradients_is_not_applied() -> None:
    batch = toy_batch(4, 0)
    engine = toy_engine(toy_network())
    infinite = Objectives.model_validate({"mlm": {"weight": 1e38}}).active()
    before = state(engine)
    step = train_step(engine, toy_window(0, batch), infinite, 1e-2, seed=0)
    assert not step.applied
    assert all(torch.equal(before[name], tensor) for name, tensor in state(engine).items())


@pytest.mark.parametrize("zero", [0, 3])
def test_a_window_without_anything_to_predict_costs_no_weight(zero: int) -> None:
    first, last = windows(2)
    engine, undisturbed = (toy_engine(toy_network(), zero) for _ in range(2))
    mlm = {"mlm": OBJECTIVES["mlm"]}
    train_step(engine, first, mlm, 1e-2, seed=0)
    before = state(engine)
    step = train_step(engine, toy_window(1, toy_batch(4, 5, masked=0)), mlm, 1e-2, seed=0)
    assert not step.applied
    assert step.counts == {"mlm": 0}
    assert all(torch.equal(before[name], tensor) for name, tensor in state(engine).items())
    assert train_step(engine, last, mlm, 1e-2, seed=0).applied
    for window in (first, last):
        train_step(undisturbed, window, mlm, 1e-2, seed=0)
    after = state(undisturbed)
    assert all(torch.equal(after[name], tensor) for name, tensor in state(engine).items())


def test_tied_weights_stay_one_tensor() -> None:
    engine = toy_engine(toy_network(), zero=1)
    for window in windows(2):
        train_step(engine, window, OBJECTIVES, 1e-2, seed=0)
    model: Any = engine.network.model
    assert model.cls.predictions.decoder.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
