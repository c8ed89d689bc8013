"""The loader: (token set, step) -> batches, a pure function.

Step s consumes positions [s * batch, (s + 1) * batch) of an endless sequence of epochs, each a computed
permutation of the token set. Order comes from `data_seed`; segment order, masks and replacements from
`seed`, the epoch and the row's number. So ranks, micro-batches, prefetch and restarts change nothing, and
any step is O(1) away.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from corpora.errors import UsageError
from pretrain.batch import NO_PAIR, UNTOUCHED, Batch, Masks, Window
from pretrain.masking import Masking
from pretrain.randomness import key, permutation
from pretrain.replacement import Replacement
from pretrain.replacement.stock import Stock
from pretrain.words import number_words, swap_segments
from tokenization.lexicon.table import LexiconTable
from tokenization.tokens import TokenSet

Element = TypeVar("Element", bound=np.generic)

WIDTH_MULTIPLE = 8  # padded lengths are multiples of it: what matrix units like, and fewer distinct shapes
EVALUATION_EPOCH = -1  # masks of held-out rows: those of no training epoch, the same at every evaluation


@dataclass(frozen=True)
class Loader:
    """All batches of a training run, by step."""

    tokens: TokenSet
    masking: Masking
    replacement: Replacement
    lexicon: LexiconTable | None
    seed: int  # of segment order, masks and replacements
    data_seed: int  # of the rows' order, and of everything random in evaluation
    batch: int  # rows a step, over all ranks
    swap_segments: (
        bool  # swap A and B in half of the rows that have both (SOP, arXiv:1909.11942, section 3.1)
    )

    def __post_init__(self) -> None:
        """Refuse at once what would fail at the first step: no rows, no lexicon where one is needed."""
        if not len(self.tokens):
            raise UsageError("this split of the token set has no rows: give it more text")
        self._prepare(np.zeros(1, np.int64), 0, self.seed)

    def samples(self, step: int) -> NDArray[np.int64]:
        """Numbers of the rows of a step's global batch, (batch,)."""
        return self._order(self._positions(step))[0]

    def window(self, step: int, rank: int = 0, world: int = 1, micro_batch: int | None = None) -> Window:
        """This rank's micro-batches of `step`: contiguous slices of the global batch, as even as can be.

        Every rank gets the same number of micro-batches, of at most `micro_batch` rows each. (One more
        where that is 1 and `world` does not divide the batch: no rank may be left without rows.)

        Raises:
            UsageError: the batch has fewer rows than there are ranks.
        """
        samples, epochs = self._order(self._positions(step))
        rows = self._prepare(samples, epochs, self.seed)
        parts = _share_out(self.batch, rank, world, micro_batch or self.batch)
        return Window(
            step=step,
            batches=tuple(self._batch(rows, part) for part in parts),
            masked_total=int(np.count_nonzero(rows.kinds)),
            pair_total=int((rows.pair_labels != NO_PAIR).sum()),
            real_tokens=int(rows.lengths.sum()),
            masks=Masks.of(rows.words, rows.kinds),
        )

    def windows(
        self,
        steps: Iterable[int],
        rank: int = 0,
        world: int = 1,
        micro_batch: int | None = None,
        ahead: int = 2,
    ) -> Iterator[Window]:
        """The windows of `steps`, prepared up to `ahead` steps early in another thread."""
        pool, pending = ThreadPoolExecutor(1), deque[Future[Window]]()
        try:
            for step in steps:
                pending.append(pool.submit(self.window, step, rank, world, micro_batch))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def evaluation(
        self, micro_batch: int, rank: int = 0, world: int = 1, rows: int | None = None
    ) -> Iterator[Batch]:
        """This rank's share of a fixed sample of `rows` rows (of all by default), with fixed masks.

        Nothing here depends on `seed` or on a step, so that runs and moments compare on equal terms.
        """
        total = min(rows or len(self.tokens), len(self.tokens))
        samples, _ = self._order(np.arange(total, dtype=np.int64))
        for part in _share_out(total, rank, world, micro_batch):
            some = self._prepare(samples[part], EVALUATION_EPOCH, self.data_seed)
            yield self._batch(some, slice(None))

    def _positions(self, step: int) -> NDArray[np.int64]:
        """Places of a step in the endless sequence."""
        return np.arange(step * self.batch, (step + 1) * self.batch, dtype=np.int64)

    def _order(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Samples and epochs at `positions` of the endless sequence."""
        epochs, places = np.divmod(positions, len(self.tokens))
        samples = np.empty_like(places)
        for epoch in np.unique(epochs):
            now = epochs == epoch
            samples[now] = permutation(len(self.tokens), self.data_seed, int(epoch), places[now])
        return samples, epochs

    def _prepare(self, samples: NDArray[np.int64], epochs: NDArray[np.int64] | int, seed: int) -> "_Prepared":
        """Fetch rows, swap segments, choose the positions to predict and replace what stands there."""
        rows = self.tokens.rows(samples)
        width = self._width(rows.lengths)
        ids = _widen(rows.ids, width, self.tokens.pad_id)
        word_starts = _widen(rows.word_starts, width, 0)
        pair_labels = np.full(len(samples), NO_PAIR, np.int64)
        if self.swap_segments:
            coins = (key(seed, "swap", epochs, samples) >> np.uint64(63)).astype(np.int64)
            pair_labels = np.where(rows.second > 0, coins, NO_PAIR)
            swap_segments(ids, word_starts, rows.lengths, rows.second, pair_labels == 1)
        words = number_words(ids, word_starts, rows.lengths, self._special)
        chosen = self.masking.choose(words, key(seed, "masking", epochs, samples))
        keys = key(seed, "replacement", epochs, samples)
        shown, kinds = self.replacement.replace(ids, words, chosen, keys, self._stock)
        return _Prepared(
            samples=samples,
            ids=ids,
            words=words,
            shown=shown,
            kinds=kinds,
            lengths=rows.lengths,
            second=rows.second,
            pair_labels=pair_labels,
        )

    def _batch(self, rows: "_Prepared", part: slice) -> Batch:
        """Some of the rows, padded to the longest of them."""
        lengths, second = rows.lengths[part, None], rows.second[part, None]
        width = self._width(rows.lengths[part])
        places, masked = np.arange(width), np.flatnonzero(rows.kinds[part, :width] > UNTOUCHED)
        real = places < lengths
        return Batch(
            input_ids=torch.from_numpy(np.ascontiguousarray(rows.shown[part, :width])),
            attention_mask=torch.from_numpy(real),
            token_type_ids=torch.from_numpy(((places >= second) & (second > 0) & real).astype(np.int64)),
            masked_positions=torch.from_numpy(masked),
            masked_targets=torch.from_numpy(rows.ids[part, :width].ravel()[masked]),
            pair_labels=torch.from_numpy(rows.pair_labels[part]),
            samples=torch.from_numpy(rows.samples[part]),
        )

    def _width(self, lengths: NDArray[np.int32]) -> int:
        """Length to which rows of `lengths` tokens are padded."""
        return min(ceil(int(lengths.max()) / WIDTH_MULTIPLE) * WIDTH_MULTIPLE, self.tokens.length)

    @cached_property
    def _special(self) -> NDArray[np.bool_]:
        """Which ids are special, (vocab,)."""
        special = np.zeros(self.tokens.vocabulary_size, np.bool_)
        special[list(self.tokens.special_ids)] = True
        return special

    @cached_property
    def _stock(self) -> Stock:
        return Stock.of(self.tokens.vocabulary, self.lexicon)


@dataclass(frozen=True)
class _Prepared:
    """Rows before and after replacement. (batch, length) or (batch,)."""

    samples: NDArray[np.int64]
    ids: NDArray[np.int64]
    words: NDArray[np.int32]
    shown: NDArray[np.int64]  # what the network sees
    kinds: NDArray[np.uint8]  # UNTOUCHED, or what stands at a position to predict
    lengths: NDArray[np.int32]
    second: NDArray[np.int32]
    pair_labels: NDArray[np.int64]


def _widen(values: NDArray[Element], width: int, fill: int) -> NDArray[Element]:
    """Pad the rows of a matrix to `width`; the matrix itself if it is that wide."""
    if values.shape[1] == width:
        return values
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=fill)


def _share_out(rows: int, rank: int, world: int, micro_batch: int) -> list[slice]:
    """This rank's micro-batches as slices of the global batch: equally many on every rank."""
    if rows < world:
        raise UsageError(f"{rows} rows cannot be shared by {world} processes; use a batch of {world} or more")
    first, last = rank * rows // world, (rank + 1) * rows // world
    count = min(ceil(ceil(rows / world) / micro_batch), rows // world)
    cuts = [first + (last - first) * i // count for i in range(count + 1)]
    return [slice(begin, end) for begin, end in pairwise(cuts)]
