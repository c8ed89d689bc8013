"""The loader: (token set, step) -> batches, a pure function.

Step s consumes positions [s * batch, (s + 1) * batch) of an endless sequence of epochs, each a computed
permutation of the token set. Order comes from `data_seed`; segment order, masks and replacements from `seed`,
the epoch and the row's number, and how much is masked from the step. So ranks, micro-batches, prefetch and
restarts change nothing, and any step is O(1) away.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from corpora.errors import UsageError
from pretrain.batch import Batch, Window
from pretrain.masker import Masker
from pretrain.masking import Masking
from pretrain.randomness import key, permutation
from pretrain.replacement import Replacement
from pretrain.replacement.stock import Stock
from pretrain.rows import Assembly, Counts, Preparation, Rows
from tokenization.lexicon.table import LexiconTable
from tokenization.tokens import TokenSet

__all__ = ["Loader", "Rows"]

CHUNK_TOKENS = 1 << 15  # rows are prepared so many tokens at a time, which stay in a core's cache meanwhile
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
    cross_document: bool = False  # let documents of one row see each other

    def __post_init__(self) -> None:
        """Refuse at once what would fail at the first step: no rows, no lexicon where one is needed."""
        if not len(self.tokens):
            raise UsageError("this split of the token set has no rows: give it more text")
        if self.swap_segments and self.tokens.next_sentences:
            raise UsageError(
                "objective 'sop' needs segments that follow one another, but this token set was packed for "
                "nsp: encode the text with packing.random_next 0, or ask for nsp"
            )
        self._preparation.rows(np.zeros(1, np.int64), 0, self.seed, self.masking.rate(0))

    def samples(self, step: int) -> NDArray[np.int64]:
        """Numbers of the rows of a step's global batch, (batch,)."""
        return self._drawn(step).samples

    def rows(self, step: int) -> Rows:
        """The rows of a step's global batch, before and after replacement."""
        return self._prepare(self._drawn(step), slice(None))

    def window(self, step: int, rank: int = 0, world: int = 1, micro_batch: int | None = None) -> Window:
        """This rank's micro-batches of `step`: contiguous slices of the global batch, as even as can be.

        Every rank gets the same number of micro-batches, of at most `micro_batch` rows each. (One more
        where that is 1 and `world` does not divide the batch: no rank may be left without rows.)

        Raises:
            UsageError: the batch has fewer rows than there are ranks.
        """
        drawn, parts = self._drawn(step), _share_out(self.batch, rank, world, micro_batch or self.batch)
        batches, counts = list[Batch](), Counts(self.batch)
        for part in parts:
            assembly = self._assembly(drawn, part)
            for begin, rows in self._chunks(drawn, part):
                assembly.add(rows)
                counts.add(rows, begin)
            batches.append(assembly.batch())
        for others in (slice(0, parts[0].start), slice(parts[-1].stop, self.batch)):
            for begin, rows in self._chunks(drawn, others):
                counts.add(rows, begin)
        masks = counts.masks
        return Window(step, tuple(batches), sum(masks.kinds), counts.pairs, counts.tokens, masks)

    def longest(self, rows: int, among: int = 1 << 16) -> Window:
        """One micro-batch of the longest rows, as those of the first step are masked: what takes most memory.

        They are looked for among the first `among` rows of the token set.
        """
        lengths = self.tokens.lengths(np.arange(min(among, len(self.tokens)), dtype=np.int64))
        samples = np.resize(np.argsort(-lengths, kind="stable"), rows).astype(np.int64)
        drawn = _Drawn(samples, np.zeros(rows, np.int64), self.seed, self.masking.rate(0), 0)
        assembly, counts = self._assembly(drawn, slice(0, rows)), Counts(rows)
        for begin, some in self._chunks(drawn, slice(0, rows)):
            assembly.add(some)
            counts.add(some, begin)
        asked = sum(counts.masks.kinds)
        return Window(0, (assembly.batch(),), asked, counts.pairs, counts.tokens, counts.masks)

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

    def held_out(self, rows: int, at_once: int) -> list[NDArray[np.int64]]:
        """A fixed sample of `rows` rows at most, `at_once` in each lot, rows of like length together.

        Nothing here depends on `seed`, on a step or on ranks, so that runs and moments compare.
        """
        samples, _ = self._order(np.arange(min(rows, len(self.tokens)), dtype=np.int64))
        samples = samples[np.argsort(self.tokens.lengths(samples), kind="stable")]
        return np.array_split(samples, np.arange(at_once, len(samples), at_once))

    def examined(self, samples: NDArray[np.int64]) -> tuple[Batch, Rows]:
        """Rows by number, (batch,), with the masks that are theirs at every evaluation."""
        epochs = np.full(len(samples), EVALUATION_EPOCH, np.int64)
        drawn = _Drawn(samples, epochs, self.data_seed, self.masking.rate(None), EVALUATION_EPOCH)
        assembly, rows = self._assembly(drawn, slice(None)), self._prepare(drawn, slice(None))
        assembly.add(rows)
        return assembly.batch(), rows

    def _drawn(self, step: int) -> "_Drawn":
        """What a step's rows are, and what their draws are named by."""
        positions = np.arange(step * self.batch, (step + 1) * self.batch, dtype=np.int64)
        samples, epochs = self._order(positions)
        if self.masking.variants:
            epochs %= self.masking.variants
        return _Drawn(samples, epochs, self.seed, self.masking.rate(step), step)

    def _order(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Samples and epochs at `positions` of the endless sequence."""
        epochs, places = np.divmod(positions, len(self.tokens))
        samples = np.empty_like(places)
        for epoch in np.unique(epochs):
            now = epochs == epoch
            samples[now] = permutation(len(self.tokens), self.data_seed, int(epoch), places[now])
        return samples, epochs

    def _assembly(self, drawn: "_Drawn", part: slice) -> Assembly:
        """Room for some of the rows, padded to the longest of them."""
        lengths = self.tokens.lengths(drawn.samples[part])
        return Assembly(lengths, self.tokens.length, self.tokens.pad_id, drawn.noise(part))

    def _chunks(self, drawn: "_Drawn", part: slice) -> Iterator[tuple[int, Rows]]:
        """Some of the rows, a few at a time, and where each lot begins."""
        size = max(1, CHUNK_TOKENS // self.tokens.length)
        for begin in range(part.start, part.stop, size):
            yield begin, self._prepare(drawn, slice(begin, min(begin + size, part.stop)))

    def _prepare(self, drawn: "_Drawn", part: slice) -> Rows:
        return self._preparation.rows(drawn.samples[part], drawn.epochs[part], drawn.seed, drawn.rate)

    @cached_property
    def _preparation(self) -> Preparation:
        stock = Stock.of(self.tokens.vocabulary, self.lexicon)
        masker = Masker(self.masking, self.replacement, stock, self.tokens.tokenizer)
        return Preparation(self.tokens, masker, self.swap_segments, self.cross_document)


@dataclass(frozen=True)
class _Drawn:
    """Rows by number, (batch,), and what decides their masks."""

    samples: NDArray[np.int64]
    epochs: NDArray[np.int64]
    seed: int
    rate: float
    step: int

    def noise(self, part: slice) -> NDArray[np.uint64]:
        """Keys of what is drawn of some of the rows at this step, (batch,)."""
        return key(self.seed, "noise", self.step, self.samples[part])


def _share_out(rows: int, rank: int, world: int, micro_batch: int) -> list[slice]:
    """This rank's micro-batches as slices of the global batch: equally many on every rank."""
    if rows < world:
        raise UsageError(f"{rows} rows cannot be shared by {world} processes; use a batch of {world} or more")
    first, last = rank * rows // world, (rank + 1) * rows // world
    count = min(ceil(ceil(rows / world) / micro_batch), rows // world)
    cuts = [first + (last - first) * i // count for i in range(count + 1)]
    return [slice(begin, end) for begin, end in pairwise(cuts)]
