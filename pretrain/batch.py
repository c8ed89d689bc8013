"""What a training step sees, and the words in which shapes are said everywhere in `pretrain`.

* batch: rows of one micro-batch
* length: tokens of a row, padding included; equal for all rows of a micro-batch
* masked: positions to predict in one micro-batch, over all its rows
* hidden: width of the encoder's output
* vocab: rows of the word table
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

NO_PAIR = -100
"""Pair label of a row that no pair task asks about: `torch.nn.functional.cross_entropy` ignores it."""

UNTOUCHED, MASK, SIMILAR, RANDOM, KEPT, FALLBACK = range(6)
"""What stands at a token: itself; at positions to predict [MASK], a similar word, something random,
still itself, or a random word for want of a similar one."""

KINDS = ("mask", "similar", "random", "kept", "fallback")
"""Names of MASK ... FALLBACK, in this order."""


@dataclass(frozen=True)
class Batch:
    """One micro-batch, ready for the network. Rows are padded on the right."""

    input_ids: Tensor  # (batch, length) int64, after replacement
    attention_mask: Tensor  # (batch, length) bool, False on padding
    token_type_ids: Tensor  # (batch, length) int64, 1 in the second segment
    position_ids: Tensor  # (batch, length) int64, from 0 in each document that is read alone; 0 on pads
    masked_positions: Tensor  # (masked,) int64, ascending, into the flattened (batch * length)
    masked_targets: Tensor  # (masked,) int64, the ids that stood there
    pair_labels: Tensor  # (batch,) int64: 0 B follows A, 1 swapped (SOP) or of another document (NSP)
    samples: Tensor  # (batch,) int64, row numbers in the token set
    noise: (
        Tensor  # (batch,) int64, random keys of what is drawn of a row while training: (seed, step, sample)
    )

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        return Batch(**moved)

    def only(self, rows: Tensor) -> "Batch":
        """Some of its rows; `rows` (batch,) bool."""
        length, positions = self.input_ids.shape[1], self.masked_positions
        kept = rows[positions // length]
        above = (~rows).cumsum(0)[positions[kept] // length]  # rows left out
        moved = {
            "masked_positions": positions[kept] - above * length,
            "masked_targets": self.masked_targets[kept],
        }
        others = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in moved}
        return Batch(**others, **moved)


@dataclass(frozen=True)
class Masks:
    """What was to be predicted in some rows, and what stood there: sums, so that steps add up."""

    rows: int = 0
    rates: float = 0.0  # over the rows: to predict / tokens of words (0 in a row without words)
    squares: float = 0.0  # of those rates
    kinds: tuple[int, ...] = (0,) * len(KINDS)  # tokens to predict, by what stood there

    @classmethod
    def of(cls, predicted: NDArray[np.int64], words: NDArray[np.int64], kinds: NDArray[np.int64]) -> "Masks":
        """Of rows with so many tokens to predict and of words, (batch,); `kinds` counts UNTOUCHED, MASK..."""
        rates = predicted / np.maximum(words, 1)
        return cls(len(rates), float(rates.sum()), float((rates**2).sum()), tuple(kinds[MASK:].tolist()))

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Masks":
        """Back from JSON."""
        return cls(**dict(values) | {"kinds": tuple(values["kinds"])})

    def plus(self, other: "Masks") -> "Masks":
        """Of the rows of both."""
        return Masks(
            self.rows + other.rows,
            self.rates + other.rates,
            self.squares + other.squares,
            tuple(one + more for one, more in zip(self.kinds, other.kinds, strict=True)),
        )

    def realised(self) -> dict[str, float]:
        """Mean and standard deviation of the rows' mask rates; share of each kind among tokens to predict."""
        mean, total = self.rates / max(self.rows, 1), max(sum(self.kinds), 1)
        deviation = sqrt(max(self.squares / max(self.rows, 1) - mean**2, 0))
        shares = {f"{name}_share": count / total for name, count in zip(KINDS, self.kinds, strict=True)}
        return {"mask_rate": mean, "mask_rate_deviation": deviation, **shares}


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
    masks: Masks = Masks()
