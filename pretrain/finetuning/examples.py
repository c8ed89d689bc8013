"""Labelled rows as token ids: encoded once, batched by length, padded to the batch's longest window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from corpora.labelled import Row
from pretrain.finetuning.windows import Window
from pretrain.randomness import permutation

POOL = 16
"""Batches that are sorted by length together: more saves padding, fewer mixes better."""

NOT_COUNTED = -100
"""The label of a position that says nothing: of a pad, a special token."""

AnyWindow = TypeVar("AnyWindow", bound=Window, covariant=True)


@dataclass(frozen=True)
class LabelledBatch:
    """Windows of one step, right-padded to the longest of them."""

    input_ids: Tensor  # (batch, length) int64
    attention_mask: Tensor  # (batch, length) int64, 0 on pads
    token_type_ids: Tensor | None  # (batch, length) int64; None: the network is not told
    labels: Tensor  # (batch, ...) as the task learns them; per token: (batch, length), NOT_COUNTED on pads
    possible: Tensor | None  # (batch, length) bool: where an answer may begin or end; None: none is asked

    def inputs(self, device: torch.device) -> dict[str, Tensor]:
        """What the network is called with."""
        read = {"input_ids": self.input_ids, "attention_mask": self.attention_mask}
        if self.token_type_ids is not None:
            read["token_type_ids"] = self.token_type_ids
        return {name: tensor.to(device) for name, tensor in read.items()}


@dataclass(frozen=True)
class Examples(Generic[AnyWindow]):
    """Encoded rows, not padded."""

    rows: tuple[Row, ...]
    windows: tuple[AnyWindow, ...]  # in the order of the rows
    labels: tuple[NDArray[Any], ...]  # of each window, as the task learns them
    known: tuple[str, ...]  # labels of the data: classes, types of spans
    names: tuple[str, ...]  # of what the network tells apart: classes, tags
    pad_id: int
    per_token: bool = False  # a label (length,) a window
    possible: tuple[NDArray[np.bool_], ...] | None = None  # (length,) of each window

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.windows)

    @property
    def cut(self) -> int:
        """Rows that were longer than a window."""
        return len({window.row for window in self.windows if not window.whole})

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each window, (windows,)."""
        return np.array([len(window.ids) for window in self.windows], dtype=np.int64)

    def by_row(self) -> list[list[int]]:
        """Numbers of the windows of each row."""
        found: list[list[int]] = [[] for _ in self.rows]
        for number, window in enumerate(self.windows):
            found[window.row].append(number)
        return found

    def batch(self, numbers: NDArray[np.int64]) -> LabelledBatch:
        """The windows of these numbers (batch,), padded."""
        chosen = [self.windows[number] for number in numbers]
        labels = [self.labels[number] for number in numbers]
        types = [window.types for window in chosen if window.types is not None]
        return LabelledBatch(
            input_ids=_padded([window.ids for window in chosen], self.pad_id),
            attention_mask=_padded([np.ones_like(window.ids) for window in chosen], 0),
            token_type_ids=_padded(types, 0) if types else None,
            labels=_padded(labels, NOT_COUNTED) if self.per_token else torch.from_numpy(np.stack(labels)),
            possible=_padded([self.possible[number] for number in numbers], False) if self.possible else None,
        )


def _padded(rows: Sequence[NDArray[Any]], pad: int) -> Tensor:
    """(batch, length) of the rows' own type."""
    filled = np.full((len(rows), max(map(len, rows))), pad, dtype=rows[0].dtype)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)


def epoch_order(lengths: NDArray[np.int64], batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Window numbers of each batch of one epoch: a pure function, every window exactly once.

    They are shuffled, sorted by length within pools of `POOL` batches, and the batches are shuffled again: a
    batch holds windows of like length and little padding, yet no epoch repeats the batches of another.
    """
    order = permutation(len(lengths), seed, epoch, np.arange(len(lengths)))
    batches = [
        rows
        for pool in _chunks(order, batch * POOL)
        for rows in _chunks(pool[np.argsort(lengths[pool], kind="stable")], batch)
    ]
    return [batches[place] for place in permutation(len(batches), seed, epoch, np.arange(len(batches)))]


def by_length(lengths: NDArray[np.int64], batch: int) -> list[NDArray[np.int64]]:
    """Window numbers of each batch for scoring: shortest first, every one once."""
    return list(_chunks(np.argsort(lengths, kind="stable"), batch))


def _chunks(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
