"""The draw that all maskers share: n-grams of whole words, at random places, until a budget of tokens is met.

A row's budget is `rate` times its tokens that belong to words, rounded up or down at random so that the
mean is `rate` whatever the length (as in fairseq), and at least 1. Until it is spent: draw a length n; draw
starts until n free neighbouring words begin there; shorten the gram from its end while it exceeds the rest
of the budget.

It is the start that is redrawn, never the length, so lengths keep their distribution but for the last gram
of a row; the price is that words beside a separator are in fewer grams. (Skipping grams that overlap, as
ALBERT's released code means to, favours short ones.) Words are never split: where no free word fits, the
budget stays short by less than that word, and a row whose every word exceeds the budget gives its shortest.
"""

import numpy as np
from numpy.typing import NDArray

from pretrain.randomness import below, uniform
from pretrain.words import find_words
from tokenization.compiled import compiled

_TRIES = 24  # starts drawn for one length: at half the words taken, single words still fail once in 10^7


def choose_grams(
    words: NDArray[np.int32], keys: NDArray[np.uint64], rate: float, lengths: tuple[float, ...]
) -> NDArray[np.int16]:
    """Number the n-grams chosen in each row: (batch, length), 1, 2, ... in order of drawing, 0 elsewhere.

    `words` (batch, length) numbers each token's word in its row, -1 for tokens of no word: no gram crosses
    them. `keys` (batch,) are the rows' random keys. `lengths[i]` is the weight of grams of i + 1 words.
    """
    grams = np.zeros(words.shape, np.int16)
    _choose(words, keys, rate, np.cumsum(lengths) / sum(lengths), grams)
    return grams


@compiled
def _choose(
    words: NDArray[np.int32],
    keys: NDArray[np.uint64],
    rate: float,
    cumulative: NDArray[np.float64],
    grams: NDArray[np.int16],
) -> None:
    """Fill `grams`, row by row. `starts` and `ends` are room for one row's words."""
    batch, length = words.shape
    starts, ends = np.empty(length, np.int32), np.empty(length, np.int32)
    for row in range(batch):
        count, tokens = find_words(words[row], starts, ends)
        if count:
            room = max(1, int(rate * tokens + uniform(keys[row], 0)))
            _fill(starts[:count], ends[:count], room, keys[row], cumulative, grams[row])


@compiled
def _fill(
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    room: int,
    key: np.uint64,
    cumulative: NDArray[np.float64],
    grams: NDArray[np.int16],
) -> None:
    """Mark grams in one row until `room` tokens are taken or no free word fits."""
    gram, counter = 0, 1
    while room > 0:
        n = 1 + int(np.searchsorted(cumulative, uniform(key, counter), side="right"))
        first, n, counter = _place(starts, ends, n, room, key, counter + 1, grams)
        if n == 0 and gram > 0:
            return
        if n == 0:  # every word exceeds the budget
            first, n = np.int64(np.argmin(ends - starts)), 1
        gram += 1
        grams[starts[first] : ends[first + n - 1]] = gram
        room -= ends[first + n - 1] - starts[first]


@compiled
def _place(
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    n: int,
    room: int,
    key: np.uint64,
    counter: int,
    grams: NDArray[np.int16],
) -> tuple[np.int64, int, int]:
    """A free gram of `n` words, or else of fewer: (first word, words or 0 if none fits, next counter)."""
    while n > 0:
        for _ in range(_TRIES):
            first = below(key, counter, starts.size)
            counter += 1
            if _is_free(starts, ends, first, n, grams):
                kept = n
                while kept > 0 and ends[first + kept - 1] - starts[first] > room:
                    kept -= 1
                if kept > 0:
                    return first, kept, counter
        n -= 1
    offset = below(key, counter, starts.size)
    for step in range(starts.size):  # rare: the last free words that fit, looked for one by one
        first = (offset + step) % starts.size
        if _is_free(starts, ends, first, 1, grams) and ends[first] - starts[first] <= room:
            return first, 1, counter + 1
    return offset, 0, counter + 1


@compiled
def _is_free(
    starts: NDArray[np.int32], ends: NDArray[np.int32], first: np.int64, n: int, grams: NDArray[np.int16]
) -> bool:
    """Whether `n` words from word `first` on are neighbours and none of them is taken."""
    if first + n > starts.size or grams[starts[first]] > 0:
        return False
    for word in range(first + 1, first + n):
        if starts[word] != ends[word - 1] or grams[starts[word]] > 0:
            return False
    return True
