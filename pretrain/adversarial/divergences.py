"""Kullback-Leibler divergences between two rows of logits: in float32 whatever the logits are, in nats.

`KL(p || q) = sum p (log p - log q)` with `log_softmax` of float32: never a logarithm of a softmax, nor
anything added inside one. Half precision would be off by more than small perturbations are worth.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pretrain.adversarial.attack import Constant

AT_ONCE = 1 << 21
"""Logits that are worked on at once: what lies between them and the result is never there in full."""


def kl(target: Tensor, logits: Tensor) -> Tensor:
    """KL(target || logits) summed over (rows, classes). The target is constant."""
    found: Tensor = _Directed.apply(target, logits)  # type: ignore[no-untyped-call]
    return found


def symmetric_kl(one: Tensor, other: Tensor, constant: Constant = "each") -> Tensor:
    """KL(one || other) + KL(other || one) summed over (rows, classes)."""
    if constant == "each":
        found: Tensor = _EachConstant.apply(one, other)  # type: ignore[no-untyped-call]
        return found
    first = log_probabilities(one.detach() if constant == "first" else one)
    second = log_probabilities(other)
    return ((first.exp() - second.exp()) * (first - second)).sum()


def log_probabilities(logits: Tensor) -> Tensor:
    """Float32 logarithms of the softmax over the last axis, autocast or not."""
    with torch.autocast(logits.device.type, enabled=False):
        return logits.float().log_softmax(-1)


class _Directed(torch.autograd.Function):
    """KL(p || q); its gradient by the logits of q is q - p."""

    @staticmethod
    def forward(ctx: Any, target: Tensor, logits: Tensor) -> Tensor:  # noqa: ANN401 - torch's own
        total, slope = logits.new_zeros((), dtype=torch.float32), torch.empty_like(logits)
        for some in _stretches(logits):
            p, q = log_probabilities(target[some]), log_probabilities(logits[some])
            likely = p.exp()
            total += (likely * (p - q)).sum()
            slope[some] = q.exp_().sub_(likely)
        ctx.save_for_backward(slope)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:  # noqa: ANN401
        return None, ctx.saved_tensors[0] * gradient


class _EachConstant(torch.autograd.Function):
    """KL(sg p || q) + KL(sg q || p); its gradients by the logits of p and of q are p - q and q - p."""

    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor) -> Tensor:  # noqa: ANN401
        total, slope = one.new_zeros((), dtype=torch.float32), torch.empty_like(one)
        for some in _stretches(one):
            p, q = log_probabilities(one[some]), log_probabilities(other[some])
            apart = p - q
            difference = p.exp_().sub_(q.exp_())
            total += apart.mul_(difference).sum()
            slope[some] = difference
        ctx.save_for_backward(slope)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        slope = ctx.saved_tensors[0] * gradient
        return slope, -slope


def _stretches(logits: Tensor) -> Iterator[slice]:
    """Rows that are worked on together."""
    rows = max(1, AT_ONCE // max(logits.shape[-1], 1))
    for first in range(0, len(logits), rows):
        yield slice(first, first + rows)
