"""The Adam of BERT and ELECTRA: without bias correction."""

import math
from collections.abc import Callable
from typing import Literal, overload

import torch
from torch import nn

from pretrain.optimizers.groups import Adaptive


class BertAdam(Adaptive):
    """Adam without bias correction, as in BERT and ELECTRA; decoupled weight decay.

    It is the `AdamWeightDecayOptimizer` of Google's code (google-research/bert, google-research/electra).
    Moments start at 0 and are used as they are, so steps are larger than AdamW's while they fill up: with
    betas 0.9 and 0.999 by 3.2 at first, 6.5 at updates 10 to 15, 1.3 at 1,000. A long warm-up absorbs that, a
    short one does not: in short runs, learning rates do not carry over from AdamW.
    """

    name: Literal["bert_adam"] = "bert_adam"
    """Adam as in BERT and ELECTRA: no bias correction, decoupled weight decay."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """A fused AdamW with its corrections at their limit."""
        betas = (self.beta1, self.beta2)
        return Uncorrected(self.groups(network), lr=self.lr, betas=betas, eps=self.eps, fused=True)


class Uncorrected(torch.optim.AdamW):
    """AdamW that divides its moments by 1 - beta**infinity, which is 1: there is no correction left.

    The count of updates that each tensor's state holds is infinite from the beginning and stays so.
    """

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every tensor that has a gradient."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None and not self.state[weights]:
                    self.state[weights] = {
                        "step": torch.full((), math.inf, dtype=torch.float32, device=weights.device),
                        "exp_avg": torch.zeros_like(weights, memory_format=torch.preserve_format),
                        "exp_avg_sq": torch.zeros_like(weights, memory_format=torch.preserve_format),
                    }
        result: float | None = super().step(closure)
        return result
