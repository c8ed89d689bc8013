"""What a training step sees, and the words in which shapes are said everywhere in `pretrain`.

* batch: rows of one micro-batch
* length: tokens of a row, padding included; equal for all rows of a micro-batch
* masked: positions to predict in one micro-batch, over all its rows
* hidden: width of the encoder's output
* vocab: rows of the word table
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

NO_PAIR = -100
"""Pair label of a row without a second segment: `torch.nn.functional.cross_entropy` ignores it."""

UNTOUCHED, MASK, SIMILAR, RANDOM, KEPT, FALLBACK = range(6)
"""What stands at a token: itself; at positions to predict [MASK], a similar word, something random,
still itself, or a random word for want of a similar one."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch, ready for the network. Rows are padded on the right."""

    input_ids: Tensor  # (batch, length) int64, after replacement
    attention_mask: Tensor  # (batch, length) bool, False on padding
    token_type_ids: Tensor  # (batch, length) int64, 1 in the second segment
    masked_positions: Tensor  # (masked,) int64, ascending, into the flattened (batch * length)
    masked_targets: Tensor  # (masked,) int64, the ids that stood there
    kinds: Tensor  # (masked,) uint8, what stands there now: MASK ... FALLBACK
    pair_labels: Tensor  # (batch,) int64: 0 segments in text order, 1 swapped, NO_PAIR
    samples: Tensor  # (batch,) int64, row numbers in the token set

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Batch(**moved)


@dataclass(frozen=True)
class Window:
    """One rank's micro-batches of one step, and the counts over *all* ranks and micro-batches of that step.

    The counts are the denominators of the loss terms. They are taken from the global batch, so every rank
    knows them without asking the others.
    """

    step: int
    batches: tuple[Batch, ...]
    masked_total: int  # positions to predict
    pair_total: int  # rows with a pair label
    real_tokens: int  # tokens that are not padding
