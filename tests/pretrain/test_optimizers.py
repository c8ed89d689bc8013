import numpy as np
import pytest
import torch
from torch import nn

from pretrain.optimizers import AdamW, Lamb, groups
from tests.pretrain.toys import toy_network


def two_tensors() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def gradients(module: nn.Module, step: int) -> None:
    for number, parameter in enumerate(module.parameters()):
        dice = torch.Generator().manual_seed(10 * step + number)
        parameter.grad = torch.randn(parameter.shape, generator=dice)


def reference(optimizer: str, corrected: bool, steps: int) -> list[np.ndarray]:
    """Adam's or LAMB's rule, written out in float64 (algorithm 2 of each paper)."""
    module = two_tensors()
    weights = [p.detach().double().numpy().copy() for p in module.parameters()]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for step in range(1, steps + 1):
        gradients(module, step)
        for n, parameter in enumerate(module.parameters()):
            assert parameter.grad is not None
            g = parameter.grad.double().numpy()
            means[n] = 0.9 * means[n] + 0.1 * g
            squares[n] = 0.999 * squares[n] + 0.001 * g * g
            m = means[n] / (1 - 0.9**step) if corrected else means[n]
            v = squares[n] / (1 - 0.999**step) if corrected else squares[n]
            decay = 0.01 if weights[n].ndim > 1 else 0.0
            update = m / (np.sqrt(v) + 1e-6) + decay * weights[n]
            adapts = optimizer == "lamb" and weights[n].ndim > 1
            ratio = np.linalg.norm(weights[n]) / np.linalg.norm(update) if adapts else 1.0
            weights[n] = weights[n] - 0.01 * ratio * update
    return weights


@pytest.mark.parametrize(
    ("settings", "name", "corrected"),
    [
        (AdamW(lr=0.01), "adamw", True),
        (Lamb(lr=0.01), "lamb", True),
        (Lamb(lr=0.01, bias_correction=False), "lamb", False),
    ],
)
def test_three_steps_against_float64(settings: AdamW | Lamb, name: str, corrected: bool) -> None:
    module = two_tensors()
    optimizer = settings.build(module)
    for step in range(1, 4):
        gradients(module, step)
        optimizer.step()
    for parameter, wanted in zip(module.parameters(), reference(name, corrected, 3), strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), wanted, rtol=2e-5, atol=1e-7)


def test_lamb_moves_a_tensor_of_zeros() -> None:
    module = nn.Linear(3, 2, bias=False)
    nn.init.zeros_(module.weight)
    optimizer = Lamb(lr=0.1).build(module)
    module.weight.grad = torch.ones_like(module.weight)
    optimizer.step()
    assert module.weight.abs().min() > 0


def test_biases_and_layer_norms_do_not_decay_and_tied_tensors_appear_once() -> None:
    network = toy_network()
    decayed, free = groups(network, 0.01)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    listed = [names[id(parameter)] for group in (decayed, free) for parameter in group["params"]]
    assert len(listed) == len(set(listed)) == len(names)
    assert all(
        name.endswith("bias") or "LayerNorm" in name for name in (names[id(p)] for p in free["params"])
    )
    assert not any(
        name.endswith("bias") or "LayerNorm" in name for name in (names[id(p)] for p in decayed["params"])
    )
    assert free["weight_decay"] == 0
    assert decayed["weight_decay"] == 0.01
    assert network.model.cls.predictions.decoder.weight is network.model.get_input_embeddings().weight
