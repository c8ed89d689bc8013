"""What an objective reads and returns."""

from typing import NamedTuple

import torch
from torch import Tensor


class Outputs(NamedTuple):
    """What the network says of one micro-batch."""

    tokens: Tensor  # (masked, vocab) logits at the positions to predict
    pairs: Tensor | None  # (batch, 2) logits: segments in text order, or swapped; None without such a head


class Term(NamedTuple):
    """One objective over one micro-batch: sums, so that any number of micro-batches add up to the window."""

    loss: Tensor  # scalar, float32: nats
    hits: Tensor  # scalar: right predictions

    def sums(self) -> Tensor:
        """Loss and hits as numbers to report, (2,) float64, cut off from the graph."""
        return torch.stack([self.loss.detach(), self.hits.to(self.loss.dtype)]).double()
