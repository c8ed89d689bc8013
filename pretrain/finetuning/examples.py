"""Labelled rows as token ids: encoded once, batched by length, padded to the batch's longest row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corpora.labelled import Row
from pretrain.randomness import permutation
from tokenization.vocabulary import Tokenizer

POOL = 16
"""Batches that are sorted by length together: more saves padding, fewer mixes better."""


@dataclass(frozen=True)
class LabelledBatch:
    """Rows of one step, right-padded to the longest of them."""

    input_ids: Tensor  # (batch, length) int64
    attention_mask: Tensor  # (batch, length) int64, 0 on pads
    labels: Tensor  # (batch,) int64

    def inputs(self, device: torch.device) -> dict[str, Tensor]:
        """What the network is called with."""
        return {"input_ids": self.input_ids.to(device), "attention_mask": self.attention_mask.to(device)}


@dataclass(frozen=True)
class Examples:
    """Encoded rows, special tokens in place, not padded."""

    ids: tuple[NDArray[np.int64], ...]  # one array (length,) a row
    labels: NDArray[np.int64]  # (rows,)
    pad_id: int
    cut: int  # rows that were longer than allowed

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.ids)

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, (rows,)."""
        return np.array([len(row) for row in self.ids], dtype=np.int64)

    def batch(self, rows: NDArray[np.int64]) -> LabelledBatch:
        """The rows numbered `rows` (batch,), padded."""
        chosen = [self.ids[row] for row in rows]
        ids = np.full((len(chosen), max(map(len, chosen))), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(chosen):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return LabelledBatch(
            torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(self.labels[rows])
        )


def encode(rows: Sequence[Row], tokenizer: Tokenizer, length: int) -> Examples:
    """Encode texts to at most `length` tokens each."""
    labels = np.array([row.label for row in rows], dtype=np.int64)
    if not rows:  # tokenizers refuse an empty list
        return Examples((), labels, tokenizer.pad_token_id, 0)
    encoded = tokenizer([row.text for row in rows], truncation=True, max_length=length)
    ids = tuple(np.array(row, dtype=np.int64) for row in encoded["input_ids"])
    cut = sum(bool(row.overflowing) for row in encoded.encodings)
    return Examples(ids, labels, tokenizer.pad_token_id, cut)


def epoch_order(lengths: NDArray[np.int64], batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Row numbers of each batch of one epoch: a pure function, every row exactly once.

    Rows are shuffled, sorted by length within pools of `POOL` batches, and the batches are shuffled again: a
    batch holds rows of like length and little padding, yet no epoch repeats the batches of another.
    """
    order = permutation(len(lengths), seed, epoch, np.arange(len(lengths)))
    batches = [
        rows
        for pool in _chunks(order, batch * POOL)
        for rows in _chunks(pool[np.argsort(lengths[pool], kind="stable")], batch)
    ]
    return [batches[place] for place in permutation(len(batches), seed, epoch, np.arange(len(batches)))]


def by_length(lengths: NDArray[np.int64], batch: int) -> list[NDArray[np.int64]]:
    """Row numbers of each batch for scoring: shortest rows first, every row once."""
    return list(_chunks(np.argsort(lengths, kind="stable"), batch))


def _chunks(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
