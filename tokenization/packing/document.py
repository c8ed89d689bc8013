"""What packers share: documents in tokens, sentences that fit a row, a row as places of tokens, and draws."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """Neighbouring documents of a split in tokens, side by side, without special ones."""

    first: int  # number of the first within its split
    bounds: NDArray[np.int64]  # (documents + 1,) where each document begins, and where the last ends
    ids: NDArray[np.uint32]  # (tokens,)
    word_starts: NDArray[np.uint8]  # (tokens,) a bit each
    sentence_ends: NDArray[np.int64]  # (sentences,) rising, the last is len(ids); each next one starts a word
    unknown_at: NDArray[np.int64]  # (unknown,) where [UNK] stands, rising
    unknown: list[str]  # what each of them was


class Placed(NamedTuple):
    """A row before it is made: tokens [begin, end) are segment A, [second, second_end) are segment B."""

    begin: int
    end: int
    second: int = 0
    second_end: int = 0  # no larger than `second`: no segment B


class Sentences(NamedTuple):
    """Sentences that fit a row, in the order of the text: each begins where the one before it ends."""

    ends: list[int]  # token positions
    documents: list[int]  # which document each is of, the first is 0


class Draws(NamedTuple):
    """Numbers for one row: each is the hash of what it is drawn for, so that no draw depends on another."""

    seed: int
    document: int
    row: int = 0

    def below(self, limit: int, purpose: int) -> int:
        """A number in [0, limit)."""
        key = struct.pack("<4Q", self.seed, self.document, purpose, self.row)
        return xxhash.xxh3_64_intdigest(key) % limit

    def happen(self, share: float, purpose: int) -> bool:
        """True in `share` of the cases."""
        return self.below(1 << 32, purpose) < share * (1 << 32)


def sentences(documents: Encoded, longest: int) -> Sentences:
    """All sentences; one longer than `longest` tokens is cut, before a word: none is lost."""
    ends = documents.sentence_ends
    if np.diff(ends, prepend=0).max(initial=0) > longest:
        ends = np.array(list(_cut(documents, longest)), np.int64)
    return Sentences(ends.tolist(), (np.searchsorted(documents.bounds, ends) - 1).tolist())


def _cut(documents: Encoded, longest: int) -> Iterator[int]:
    begin = 0
    for end in documents.sentence_ends.tolist():
        while end - begin > longest:
            begin = last_start(documents, begin + 1, begin + longest)
            yield begin
        yield end
        begin = end


def last_start(documents: Encoded, first: int, last: int) -> int:
    """The last place in [first, last] where a word starts; `last` within a word longer than a row."""
    starts = np.flatnonzero(documents.word_starts[first : last + 1])
    return first + int(starts[-1]) if len(starts) else last
