"""Word spans x token offsets -> word-start bits: what makes whole-word masking right for any tokenizer.

Both sides are positions in the raw text, so that [UNK], lower-casing or byte-level pieces cannot shift them;
no text is ever put together from tokens. Neighbouring tokens belong to one unit if one segmenter word reaches
into both. A token that reaches into two words joins them: the smallest span that covers both is the unit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1  # in no word: white space


@dataclass(frozen=True)
class Alignment:
    """Units to mask, as token positions."""

    word_starts: NDArray[np.bool_]  # (tokens,) a unit begins here; the first token always begins one
    words: NDArray[np.int64]  # (units,) number of the segmenter word that the unit is, else OUTSIDE
    merged: int  # tokens that reach into more than one word


def align(spans: NDArray[np.int64], offsets: NDArray[np.int64]) -> Alignment:
    """Align words (words, 2) with tokens (tokens, 2); both are [begin, end) in characters, in text order.

    >>> one = align(np.array([[0, 2], [2, 3]]), np.array([[0, 1], [1, 2], [2, 3]]))
    >>> one.word_starts.tolist(), one.words.tolist(), one.merged
    ([True, False, True], [0, 1], 0)
    >>> both = align(np.array([[0, 2], [2, 4]]), np.array([[0, 1], [1, 3], [3, 4]]))  # one token cuts across
    >>> both.word_starts.tolist(), both.words.tolist(), both.merged
    ([True, False, False], [-1], 1)
    """
    spans, offsets = spans.reshape(-1, 2), offsets.reshape(-1, 2)
    first, last = _words_in(spans, offsets)
    starts = np.ones(len(offsets), np.bool_)
    starts[1:] = (first[1:] != last[:-1]) | (first[1:] == OUTSIDE)
    begins = np.flatnonzero(starts)
    ends = np.append(begins[1:], len(offsets))[: len(begins)] - 1
    words = np.where(first[begins] == last[ends], first[begins], OUTSIDE)
    return Alignment(starts, words, int(np.count_nonzero(first != last)))


def _words_in(
    spans: NDArray[np.int64], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the first and of the last word that each token reaches into."""
    begins, ends = offsets[:, 0], np.maximum(offsets[:, 1], offsets[:, 0] + 1)  # some tokens have no width
    first = np.searchsorted(spans[:, 1], begins, side="right")
    last = np.searchsorted(spans[:, 0], ends, side="left") - 1
    none = first > last
    return np.where(none, OUTSIDE, first), np.where(none, OUTSIDE, last)
