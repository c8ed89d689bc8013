"""Settings that change speed and memory change the result by rounding alone."""

from collections.abc import Mapping
from functools import partialmethod
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import nn

from corpora.artefact import Artefact
from corpora.errors import Interrupted, UsageError
from pretrain.networks.generators import Sharing
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.networks.speeding import compile_encoder, keep_no_activations
from pretrain.objectives import Objective
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
    toy_window,
)
from tests.pretrain.training.test_stage import StopAfter


def trained(
    network: Network | PairNetwork, zero: int = 0, objectives: Mapping[str, Objective] = OBJECTIVES
) -> tuple[dict[str, torch.Tensor], float]:
    """Weights after two steps, and the loss of the second."""
    engine, losses = toy_engine(network, zero), list[float]()
    for step in range(2):
        window = toy_window(step, toy_batch(4, 1), toy_batch(4, 2))
        losses.append(train_step(engine, window, objectives, 1e-2, seed=0).losses["mlm"])
    return engine.weights(), losses[-1]


def assert_both_learn(
    network: PairNetwork, wanted: PairNetwork, zero: int = 0, rtol: float = 1e-4, atol: float = 1e-4
) -> dict[str, torch.Tensor]:
    """A generator and a discriminator learn what others learn; the weights."""
    (got, loss), (weights, same) = (
        trained(one, stage, pairs.OBJECTIVES) for one, stage in ((network, zero), (wanted, 0))
    )
    assert loss == pytest.approx(same, rel=1e-2)
    assert got.keys() == weights.keys()
    for name, tensor in weights.items():
        torch.testing.assert_close(got[name], tensor, rtol=rtol, atol=atol, msg=name)
    return got


@pytest.mark.parametrize("zero", [0, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_activations_that_are_computed_again_change_nothing(zero: int, dropout: float) -> None:
    wanted, loss = trained(toy_network(dropout=dropout), zero)
    network, passes = toy_network(dropout=dropout), list[int]()
    keep_no_activations(network.model)
    layer = network.model.bert.encoder.layer[0].output.dense
    layer.register_forward_hook(lambda *_: passes.append(1))
    got, same = trained(network, zero)
    assert len(passes) == 2 * 2 * 2  # forward, and once more in the backward pass
    assert loss == pytest.approx(same, rel=1e-6)
    for name, tensor in wanted.items():
        torch.testing.assert_close(got[name], tensor, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize(("sharing", "zero"), [("tied", 0), ("gdes", 3)])
def test_activations_of_both_of_a_pair_are_computed_again(sharing: Sharing, zero: int) -> None:
    network, passes = pairs.pair(sharing=sharing), list[int]()
    keep_no_activations(network.model)
    for number, tower in enumerate(network.model.towers):
        layer = tower.base_model.encoder.layer[0].output.dense
        layer.register_forward_hook(lambda *_, number=number: passes.append(number))
    assert_both_learn(network, pairs.pair(sharing=sharing), zero)
    assert passes.count(0) == passes.count(1) == 2 * 2 * 2


def test_a_network_that_cannot_is_refused() -> None:
    model = toy_network().model
    model.supports_gradient_checkpointing = False
    with pytest.raises(UsageError, match="bert network cannot compute its activations again"):
        keep_no_activations(model)


@pytest.mark.slow
def test_a_compiled_encoder_is_equal_to_rounding_and_keeps_its_names() -> None:
    wanted, loss = trained(toy_network())
    network = toy_network()
    compile_encoder(network.model)
    got, same = trained(network)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0
    assert list(got) == list(wanted)
    assert loss == pytest.approx(same, rel=1e-5)
    for name, tensor in wanted.items():
        torch.testing.assert_close(got[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("sharing", ["tied", "gdes"])
def test_both_encoders_of_a_pair_are_compiled(sharing: Sharing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traced and differentiated; machine code would take seconds, and is that of any encoder."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    network, counted = pairs.pair(sharing=sharing), torch._dynamo.utils.counters["stats"]
    before = counted["calls_captured"]
    compile_encoder(network.model)
    assert all(tower.base_model._compiled_call_impl for tower in network.model.towers)
    assert_both_learn(network, pairs.pair(sharing=sharing))
    assert counted["calls_captured"] > before


def test_without_a_compiler_it_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("no-such-compiler",))
    torch._inductor.cpp_builder.cpp_compiler_search.cache_clear()
    with pytest.raises(UsageError, match=r"needs a C\+\+ compiler"):
        compile_encoder(toy_network().model)
    torch._inductor.cpp_builder.cpp_compiler_search.cache_clear()


@pytest.mark.slow
def test_offload_changes_nothing_and_stops_and_goes_on(data: Artefact, tmp_path: Path) -> None:
    few = {"model": NETWORK | NO_DROPOUT, "steps": 4, "save_every": 4, "evaluate_every": None}
    last = f"{checkpoints.part(4)}/model.safetensors"
    wanted = load_file(run(toy_train(**few), data, tmp_path / "plain").file(last))
    for zero, what in ((1, "optimizer"), (2, "optimizer"), (3, "parameters")):
        config = toy_train(**few, speed={"micro_batch": 3, "zero": zero, "offload": what})
        with pytest.raises(Interrupted):
            run(config, data, tmp_path / what / str(zero), StopAfter(2))
        got = load_file(run(config, data, tmp_path / what / str(zero)).file(last))
        for name, tensor in wanted.items():
            torch.testing.assert_close(got[name], tensor, rtol=1e-5, atol=1e-6, msg=f"{name}, zero {zero}")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("zero", [0, 3])
def test_the_network_computes_in_half_and_its_weights_stay_float32(precision: str, zero: int) -> None:
    wanted, loss = trained(toy_network())
    network, seen = Network(toy_network().model, precision), set[torch.dtype]()
    network.model.bert.encoder.layer[0].output.dense.register_forward_hook(
        lambda _module, _given, said: seen.add(said.dtype)
    )
    got, same = trained(network, zero)
    assert seen == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert {tensor.dtype for tensor in got.values()} == {torch.float32}
    assert loss == pytest.approx(same, rel=1e-2)
    moved = toy_network().model.state_dict()
    for name, tensor in wanted.items():
        if isinstance(tensor, nn.Parameter):
            steps = (tensor - moved[name]).norm(), (got[name] - tensor).norm()
            assert steps[1] < 0.2 * steps[0]


@pytest.mark.parametrize(
    ("precision", "sharing", "zero"), [("bf16", "gdes", 0), ("fp16", "tied", 2), ("fp16", "gdes", 3)]
)
def test_a_pair_learns_in_half_precision_from_the_same_draw(
    precision: str, sharing: Sharing, zero: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rounding may turn a draw, and with it all that follows: here it is another token, always."""
    monkeypatch.setattr(PairNetwork, "draw", lambda self, logits, batch: batch.masked_targets.roll(1))
    network = pairs.pair(sharing=sharing, precision=precision)
    weights = assert_both_learn(network, pairs.pair(sharing=sharing), zero, rtol=0, atol=2.5e-2)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}


@pytest.mark.parametrize(
    ("speed", "message"),
    [
        ({"offload": "optimizer"}, "offload: optimizer needs zero 1, 2 or 3, but zero is 0"),
        ({"offload": "parameters", "zero": 2}, "offload: parameters needs zero 3, but zero is 2"),
        ({"compile": True, "zero": 3}, "compile: true needs zero 0, 1 or 2"),
    ],
)
def test_what_cannot_work_together_is_refused(speed: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        toy_train(speed=speed)


@pytest.mark.parametrize("key", ["bf16", "fp16", "optimizer", "gradient_accumulation_steps"])
def test_keys_of_deepspeed_that_we_make_are_refused(key: str) -> None:
    with pytest.raises(ValidationError, match=rf"deepspeed\.{key} is made from .*: set that instead"):
        toy_train(deepspeed={key: 1})
