"""A text while its words are looked for, and the words found so far."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tokenization.compiled import compiled


class Text(NamedTuple):
    """What the compiled functions share. They append spans behind `count` others and return the new count."""

    letters: NDArray[np.int64]  # (characters,) code points
    scores: NDArray[np.float64]  # (characters + 1,) logarithm of the best path's probability from each on
    ends: NDArray[np.int64]  # (characters,) where the word that begins at each ends on its best path
    states: NDArray[np.uint8]  # (characters,) of the hidden Markov model
    spans: NDArray[np.int64]  # (characters, 2), the first `count` are filled: [begin, end) of words


def codes_of(text: str) -> NDArray[np.uint32]:
    """Code points, (characters,); lone surrogates too."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def letters_of(text: str) -> NDArray[np.int64]:
    """The same, wide enough for keys of a trie."""
    return codes_of(text).astype(np.int64)


@compiled
def open_text(codes: NDArray[np.uint32]) -> Text:
    """A text of which nothing is known yet."""
    size = len(codes)
    scores, ends, states = np.empty(size + 1), np.empty(size, np.int64), np.empty(size, np.uint8)
    return Text(codes.astype(np.int64), scores, ends, states, np.empty((size, 2), np.int64))


@compiled
def append(text: Text, count: int, begin: int, end: int) -> int:
    """Append [begin, end)."""
    text.spans[count, 0] = begin
    text.spans[count, 1] = end
    return count + 1


@compiled
def append_each(text: Text, count: int, begin: int, end: int) -> int:
    """Append each character of [begin, end)."""
    for at in range(begin, end):
        count = append(text, count, at, at + 1)
    return count
