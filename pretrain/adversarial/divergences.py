"""Kullback-Leibler divergences between two rows of logits: in float32 whatever the logits are, in nats.

`KL(p || q) = sum p (log p - log q)` with `log_softmax` of float32: never a logarithm of a softmax, nor
anything added inside one. Half precision would be off by more than small perturbations are worth.
"""

import torch
from torch import Tensor

from pretrain.adversarial.attack import Constant


def kl(target: Tensor, logits: Tensor) -> Tensor:
    """KL(target || logits) summed over (rows, classes). The target is constant."""
    wanted, log_said = log_probabilities(target.detach()), log_probabilities(logits)
    return (wanted.exp() * (wanted - log_said)).sum()


def symmetric_kl(one: Tensor, other: Tensor, constant: Constant = "each") -> Tensor:
    """KL(one || other) + KL(other || one) summed over (rows, classes)."""
    if constant == "each":
        return kl(one, other) + kl(other, one)
    first = log_probabilities(one.detach() if constant == "first" else one)
    second = log_probabilities(other)
    return ((first.exp() - second.exp()) * (first - second)).sum()


def log_probabilities(logits: Tensor) -> Tensor:
    """Float32 logarithms of the softmax over the last axis, autocast or not."""
    with torch.autocast(logits.device.type, enabled=False):
        return logits.float().log_softmax(-1)
