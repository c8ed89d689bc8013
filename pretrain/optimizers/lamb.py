"""LAMB: Adam's step scaled to each tensor's own norm."""

from collections.abc import Callable
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn

from pretrain.optimizers.groups import Adaptive, Positive


class Lamb(Adaptive):
    """Adam's step scaled to each tensor's own norm, for large batches (arXiv:1904.00962)."""

    name: Literal["lamb"] = "lamb"
    """Layer-wise adaptive moments: large batches. Biases and LayerNorm take plain Adam steps."""

    lr: Positive = 1e-3
    """Peak learning rate: about ten times Adam's."""

    bias_correction: bool = True
    """As in the paper; Google's released code has none."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """LAMB over whole tensors."""
        return LambOptimizer(
            self.groups(network),
            lr=self.lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            bias_correction=self.bias_correction,
        )


class LambOptimizer(torch.optim.Optimizer):
    """LAMB (arXiv:1904.00962, algorithm 2); no clamp on the ratio, as in Google's code."""

    def __init__(self, params: list[dict[str, Any]], **defaults: float | bool) -> None:
        """`defaults`: lr, beta1, beta2, eps, bias_correction; the groups bring weight_decay and adapt."""
        super().__init__(params, dict(defaults))

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every tensor that has a gradient."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    update = self._update(weights, group)
                    weights.sub_(update * (group["lr"] * _ratio(weights, update, group["adapt"])))
        return None

    def _update(self, weights: Tensor, group: dict[str, Any]) -> Tensor:
        """Adam's direction plus decay; the moments move on."""
        state, gradient = self.state[weights], weights.grad
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(weights), torch.zeros_like(weights)
        state["step"] += 1
        beta1, beta2 = group["beta1"], group["beta2"]
        mean: Tensor = state["exp_avg"].lerp_(gradient, 1 - beta1)
        square: Tensor = state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        if group["bias_correction"]:
            steps = float(state["step"])
            mean, square = mean / (1 - beta1**steps), square / (1 - beta2**steps)
        update: Tensor = mean / (square.sqrt() + group["eps"]) + group["weight_decay"] * weights
        return update


def _ratio(weights: Tensor, update: Tensor, adapt: bool) -> Tensor | float:
    """|w| / |u|; 1 where either is 0 and for tensors that do not adapt."""
    if not adapt:
        return 1.0
    weight_norm, update_norm = weights.norm(), update.norm()
    usable = (weight_norm > 0) & (update_norm > 0)
    return torch.where(usable, weight_norm / update_norm, torch.ones_like(weight_norm))
