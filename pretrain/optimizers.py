"""Optimizers: settings, the parameters they decay, and LAMB itself (AdamW is torch's)."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict, overload

import torch
from pydantic import Field
from torch import Tensor, nn

from corpora.settings import Settings, named

Beta = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


class Group(TypedDict):
    """Parameters that are treated alike."""

    params: list[nn.Parameter]
    weight_decay: float
    adapt: bool  # LAMB's trust ratio applies


def groups(network: nn.Module, weight_decay: float) -> list[Group]:
    """Matrices decay; biases and LayerNorm (whatever is one-dimensional) do not. Tied tensors appear once."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    vectors = [parameter for parameter in trained if parameter.ndim <= 1]
    return [
        Group(params=matrices, weight_decay=weight_decay, adapt=True),
        Group(params=vectors, weight_decay=0.0, adapt=False),
    ]


class AdamW(Settings):
    """Adam with bias correction and decoupled weight decay (arXiv:1711.05101, algorithm 2)."""

    name: Literal["adamw"] = "adamw"
    """Adam with decoupled weight decay."""

    lr: Positive = 1e-4
    """Peak learning rate."""

    beta1: Beta = 0.9
    """Decay of the mean of gradients."""

    beta2: Beta = 0.999
    """Decay of the mean of squared gradients; 0.98 is steadier for large batches (arXiv:1907.11692)."""

    eps: Positive = 1e-6
    """Guard of the division."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled; biases and LayerNorm are left out."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """torch's, fused: one pass over the memory, on a CPU too."""
        parameters = [dict(group) for group in groups(network, self.weight_decay)]
        return torch.optim.AdamW(
            parameters, lr=self.lr, betas=(self.beta1, self.beta2), eps=self.eps, fused=True
        )


class Lamb(Settings):
    """Adam's step scaled to each tensor's own norm, for large batches (arXiv:1904.00962)."""

    name: Literal["lamb"] = "lamb"
    """Layer-wise adaptive moments."""

    lr: Positive = 1e-3
    """Peak learning rate: about ten times Adam's."""

    beta1: Beta = 0.9
    """Decay of the mean of gradients."""

    beta2: Beta = 0.999
    """Decay of the mean of squared gradients."""

    eps: Positive = 1e-6
    """Guard of the division."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled; biases and LayerNorm are left out, of the trust ratio too."""

    bias_correction: bool = True
    """As in the paper; Google's released code has none."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """LAMB over whole tensors."""
        parameters = [dict(group) for group in groups(network, self.weight_decay)]
        return LambOptimizer(
            parameters,
            lr=self.lr,
            beta1=self.beta1,
            beta2=self.beta2,
            eps=self.eps,
            bias_correction=self.bias_correction,
        )


Optimizer = Annotated[AdamW | Lamb, Field(discriminator="name"), named("name")]


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
