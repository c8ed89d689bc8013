"""Adam with decoupled weight decay."""

from typing import Literal

import torch
from torch import nn

from pretrain.optimizers.groups import Adaptive


class AdamW(Adaptive):
    """Adam with bias correction and decoupled weight decay (arXiv:1711.05101, algorithm 2)."""

    name: Literal["adamw"] = "adamw"
    """Adam with bias correction and decoupled weight decay."""

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """torch's, fused: one pass over the memory, on a CPU too."""
        betas = (self.beta1, self.beta2)
        return torch.optim.AdamW(self.groups(network), lr=self.lr, betas=betas, eps=self.eps, fused=True)
