import pytest
import torch
from torch import Tensor

from pretrain.adversarial import divergences
from pretrain.adversarial.attack import Constant
from pretrain.adversarial.divergences import kl, symmetric_kl


def logits(scale: float, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    dice = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(7, 33, generator=dice)).to(dtype).requires_grad_()


def exact(p: Tensor, q: Tensor) -> Tensor:
    """In float64, by the definition."""
    one, other = p.double().log_softmax(-1), q.double().log_softmax(-1)
    return (one.exp() * (one - other)).sum()


@pytest.mark.parametrize("at_once", [1, 50, 1 << 21])
@pytest.mark.parametrize("scale", [1.0, 10.0, 50.0])
def test_values_and_gradients_are_those_of_float64(
    scale: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(divergences, "AT_ONCE", at_once)
    p, q = logits(scale, 0), logits(scale, 1)
    wanted = torch.autograd.grad(exact(p.detach(), q), q)
    got = kl(p, q)
    assert got.item() == pytest.approx(exact(p, q).item(), rel=1e-5)
    torch.testing.assert_close(torch.autograd.grad(3 * got, q)[0], 3 * wanted[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("constant", ["each", "first", "none"])
def test_what_is_constant_gets_no_gradient(constant: Constant) -> None:
    p, q = logits(2.0, 0), logits(2.0, 1)
    targets = {
        "each": exact(p.detach(), q) + exact(q.detach(), p),
        "first": exact(p.detach(), q) + exact(q, p.detach()),
        "none": exact(p, q) + exact(q, p),
    }
    got = symmetric_kl(p, q, constant)
    assert got.item() == pytest.approx(targets[constant].item(), rel=1e-5)
    wanted = torch.autograd.grad(targets[constant], (p, q), allow_unused=True)
    for found, want in zip(torch.autograd.grad(got, (p, q), allow_unused=True), wanted, strict=True):
        assert (found is None) == (want is None)
        if found is not None and want is not None:
            torch.testing.assert_close(found, want.to(found.dtype), rtol=1e-4, atol=1e-6)


def test_equal_predictions_are_0_apart_and_none_is_below() -> None:
    p = logits(5.0, 0)
    assert kl(p, p).item() == symmetric_kl(p, p).item() == 0
    near = p + 1e-4 * logits(1.0, 2)
    apart = symmetric_kl(p, near).item()
    assert 0 < apart == pytest.approx((exact(p, near) + exact(near, p)).item(), rel=0.05)


def test_half_precision_is_read_as_float32_under_autocast_too() -> None:
    p, q = (logits(3.0, seed, torch.bfloat16) for seed in (0, 1))
    with torch.autocast("cpu", torch.bfloat16):
        got = symmetric_kl(p, q)
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx((exact(p, q) + exact(q, p)).item(), rel=1e-5)


def test_no_predictions_are_0_apart() -> None:
    nothing = torch.zeros(0, 33, requires_grad=True)
    (gradient,) = torch.autograd.grad(symmetric_kl(nothing, nothing.clone()) + kl(nothing, nothing), nothing)
    assert gradient.shape == (0, 33)
