"""Rows of a token set made ready for training: segments swapped, words numbered, masked; then one batch."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from corpora.compiled import compiled
from pretrain.batch import FALLBACK, NO_PAIR, UNTOUCHED, Batch, Masks
from pretrain.masker import Masker
from pretrain.randomness import key
from pretrain.words import Text, number_words, swap_segments
from tokenization.tokens import TokenSet

WIDTH_MULTIPLE = 8  # padded lengths are multiples of it: what matrix units like, and fewer distinct shapes


@dataclass(frozen=True)
class Rows:
    """Rows before and after replacement. (batch, length) or (batch,)."""

    samples: NDArray[np.int64]  # row numbers in the token set
    ids: NDArray[np.int64]
    words: NDArray[np.int32]  # each token's word in its row, -1 for those never to be predicted
    runs: NDArray[np.int32]  # the runs of words to predict: 1, 2, ... in order of drawing, 0 elsewhere
    shown: NDArray[np.int64]  # what the network sees
    kinds: NDArray[np.uint8]  # UNTOUCHED, or what stands at a position to predict
    positions: NDArray[np.int32]  # each token's place among those that it may see, 0 on padding
    lengths: NDArray[np.int32]
    second: NDArray[np.int32]  # first position of segment B, 0: none
    pair_labels: NDArray[np.int64]


@dataclass(frozen=True)
class Preparation:
    """Makes rows ready: a function of their numbers, their epochs, the seed and the mask rate."""

    tokens: TokenSet
    masker: Masker
    swap_segments: bool  # swap A and B in half of the rows that have both
    cross_document: bool = False  # let documents of one row see each other

    def rows(
        self, samples: NDArray[np.int64], epochs: NDArray[np.int64] | int, seed: int, rate: float
    ) -> Rows:
        """Fetch rows, swap segments, choose the positions to predict and replace what stands there."""
        rows = self.tokens.rows(samples, WIDTH_MULTIPLE)
        pair_labels = np.full(len(samples), NO_PAIR, np.int64)
        if self.swap_segments:
            coins = (key(seed, "swap", epochs, samples) >> np.uint64(63)).astype(np.int64)
            pair_labels = np.where(rows.second > 0, coins, NO_PAIR)
            swap_segments(rows.ids, rows.word_starts, rows.lengths, rows.second, pair_labels == 1)
        elif rows.second_documents is not None:  # NSP: what B is was decided when the rows were packed
            random = (rows.second_documents != rows.documents).astype(np.int64)
            pair_labels = np.where(rows.second > 0, random, NO_PAIR)
        words = number_words(rows.ids, rows.word_starts, rows.lengths, self._special)
        masked = self.masker.mask(Text(rows.ids, words), seed, epochs, samples, rate)
        if self.cross_document:
            rows.positions[:] = np.arange(rows.positions.shape[1])
        return Rows(
            samples=samples,
            ids=rows.ids,
            words=words,
            runs=masked.runs,
            shown=masked.shown,
            kinds=masked.kinds,
            positions=rows.positions,
            lengths=rows.lengths,
            second=rows.second,
            pair_labels=pair_labels,
        )

    @cached_property
    def _special(self) -> NDArray[np.bool_]:
        """Which ids are special, (vocab,)."""
        special = np.zeros(self.tokens.vocabulary_size, np.bool_)
        special[list(self.tokens.special_ids)] = True
        return special


class Assembly:
    """A batch in the making: rows are added from the top, a few at a time."""

    def __init__(
        self, lengths: NDArray[np.int32], longest: int, pad_id: int, noise: NDArray[np.uint64]
    ) -> None:
        """Make room for rows of so many tokens, padded to the longest of them, and to `longest` at most.

        `noise` (batch,) are the rows' random keys of what is drawn while training.
        """
        width = -(-int(lengths.max()) // WIDTH_MULTIPLE) * WIDTH_MULTIPLE
        shape = len(lengths), max(int(lengths.max()), min(width, longest))
        self._ids, self._real = np.empty(shape, np.int64), np.empty(shape, np.bool_)
        self._second, self._positions = np.empty(shape, np.int64), np.empty(shape, np.int64)
        self._pairs = np.empty(len(lengths), np.int64)
        self._samples, self._masked = np.empty(len(lengths), np.int64), list[NDArray[np.int64]]()
        self._pad_id, self._filled, self._noise = pad_id, 0, noise.view(np.int64)

    def add(self, rows: Rows) -> None:
        """Add rows below those that are there."""
        here = slice(self._filled, self._filled + len(rows.samples))
        masked = np.empty((2, np.count_nonzero(rows.kinds)), np.int64)
        _fill(
            rows.ids,
            rows.shown,
            rows.kinds,
            rows.positions,
            rows.lengths,
            rows.second,
            self._pad_id,
            self._ids[here],
            self._real[here],
            self._second[here],
            self._positions[here],
            masked,
        )
        masked[0] += here.start * self._ids.shape[1]
        self._masked.append(masked)
        self._pairs[here], self._samples[here] = rows.pair_labels, rows.samples
        self._filled = here.stop

    def batch(self) -> Batch:
        """The batch, once all rows are there."""
        positions, targets = np.concatenate(self._masked, axis=1)
        return Batch(
            input_ids=torch.from_numpy(self._ids),
            attention_mask=torch.from_numpy(self._real),
            token_type_ids=torch.from_numpy(self._second),
            position_ids=torch.from_numpy(self._positions),
            masked_positions=torch.from_numpy(positions),
            masked_targets=torch.from_numpy(targets),
            pair_labels=torch.from_numpy(self._pairs),
            samples=torch.from_numpy(self._samples),
            noise=torch.from_numpy(self._noise),
        )


class Counts:
    """What is counted over all rows of a step, whoever trains on them: the same for any order of adding."""

    def __init__(self, batch: int) -> None:
        """Count nothing yet, of so many rows."""
        self.pairs, self.tokens = 0, 0  # rows with a pair label; tokens that are not padding
        self._predicted, self._words = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        self._kinds = np.zeros(FALLBACK + 1, np.int64)

    def add(self, rows: Rows, begin: int) -> None:
        """Count rows, the first of which is row `begin` of the batch."""
        here = slice(begin, begin + len(rows.samples))
        _count(rows.words, rows.kinds, self._predicted[here], self._words[here], self._kinds)
        self.pairs += int(np.count_nonzero(rows.pair_labels != NO_PAIR))
        self.tokens += int(rows.lengths.sum())

    @property
    def masks(self) -> Masks:
        """What was to be predicted, and what stood there."""
        return Masks.of(self._predicted, self._words, self._kinds)


@compiled
def _count(
    words: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    predicted: NDArray[np.int64],
    of_words: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Count each row's tokens to predict and tokens of words, and of all of them those of each kind."""
    for row in range(words.shape[0]):
        for position in range(words.shape[1]):
            of_words[row] += words[row, position] >= 0
            predicted[row] += kinds[row, position] != UNTOUCHED
            counts[kinds[row, position]] += 1


@compiled
def _fill(
    ids: NDArray[np.int64],
    shown: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    positions: NDArray[np.int32],
    lengths: NDArray[np.int32],
    seconds: NDArray[np.int32],
    pad_id: int,
    to_ids: NDArray[np.int64],
    real: NDArray[np.bool_],
    second: NDArray[np.int64],
    to_positions: NDArray[np.int64],
    masked: NDArray[np.int64],
) -> None:
    """Copy rows into wider ones, mark what is not padding and what is segment B, list what is to predict."""
    count, width = 0, to_ids.shape[1]
    for row in range(lengths.size):
        length = lengths[row]
        begin = seconds[row] if seconds[row] > 0 else length
        to_ids[row, :length], to_ids[row, length:] = shown[row, :length], pad_id
        real[row, :length], real[row, length:] = True, False
        second[row, :begin], second[row, begin:length], second[row, length:] = 0, 1, 0
        to_positions[row, :length], to_positions[row, length:] = positions[row, :length], 0
        for position in range(length):
            if kinds[row, position] != UNTOUCHED:
                masked[0, count], masked[1, count] = row * width + position, ids[row, position]
                count += 1
