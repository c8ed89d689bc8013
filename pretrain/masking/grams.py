"""The draw that all maskers share: runs of neighbouring words, at random places, until a budget is met.

Until a row's budget is spent: draw a length n; draw starts until n free neighbouring words begin there;
shorten the run from its end while it exceeds the rest of the budget.

It is the start that is redrawn, never the length, so lengths keep their distribution but for the last run of
a row; the price is that words beside a separator are in fewer runs. (Skipping runs that overlap, as ALBERT's
released code means to, favours short ones.) Words are never split: where no free word fits, the budget stays
short by less than that word, and a row whose every word exceeds the budget gives its shortest.

Words that are scarce (`pretrain.words.Scarce`) are passed over, by a redrawn start too, once their share of
the budget is spent. Where a few draws find no start, all that are left are counted, and one of them is drawn;
where none is, the run gets a word shorter.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpora.compiled import compiled
from pretrain.randomness import below, uniform
from pretrain.words import Scarce, find_words

_TRIES = 24  # starts drawn for one length, before those that are left are counted
_BY_CHANCE = -1.0
_OFFSETS = {"chance": _BY_CHANCE, "nearest": 0.5, "down": 0.0}  # added before the fraction is cut off
_ROUND, _SPARE, _FIRST = range(3)  # numbers of a row's draws: the budget's rounding, the share's, the runs

# What is known of each word of a row, one line each in an array (6, words + 1).
_START, _END = 0, 1  # where it lies, the end exclusive
_COST, _RARE = 2, 3  # what all words before it cost of the budget, and what the scarce ones among them do
_REACH, _CLEAR = 4, 5  # words of the longest run that may begin with it; the same for runs of no scarce word


class Amount(NamedTuple):
    """How much of a row to choose."""

    rate: float
    rounding: Literal["chance", "nearest", "down"] = "chance"
    per: Literal["token", "word"] = "token"  # what the rate is a share of


def choose_grams(
    words: NDArray[np.int32],
    keys: NDArray[np.uint64],
    amount: Amount,
    lengths: tuple[float, ...],
    scarce: Scarce | None = None,
) -> NDArray[np.int32]:
    """Number the runs chosen in each row: (batch, length), 1, 2, ... in order of drawing, 0 elsewhere.

    `words` (batch, length) numbers each token's word in its row, -1 for tokens of no word: no run crosses
    them. `keys` (batch,) are the rows' random keys. `lengths[i]` is the weight of runs of i + 1 words.
    """
    grams = np.zeros(words.shape, np.int32)
    budget = amount.rate, _OFFSETS[amount.rounding], amount.per == "word"
    tokens = scarce.tokens if scarce else np.zeros((len(words), 0), np.bool_)
    limit = (scarce.share, scarce.strict) if scarce else (1.0, False)
    _choose(words, keys, budget, np.cumsum(lengths) / sum(lengths), tokens, limit, grams)
    return grams


@compiled
def _choose(
    words: NDArray[np.int32],
    keys: NDArray[np.uint64],
    budget: tuple[float, float, bool],
    cumulative: NDArray[np.float64],
    scarce: NDArray[np.bool_],
    limit: tuple[float, bool],
    grams: NDArray[np.int32],
) -> None:
    """Fill `grams`, row by row."""
    batch, length = words.shape
    known = np.zeros((6, length + 1), np.int32)
    rate, offset, by_word = budget
    for row in range(batch):
        count, _ = find_words(words[row], known[_START], known[_END])
        if count > 0:
            _describe(known, count, by_word, scarce[row], cumulative.size)
            total = known[_COST, count]
            room = int(rate * total + (uniform(keys[row], _ROUND) if offset < 0 else offset))
            room = min(max(1, room), total)
            spare = int(limit[0] * room + uniform(keys[row], _SPARE)) if scarce.size else room
            _fill(known, count, (room, spare, limit[1]), keys[row], cumulative, grams[row])


@compiled
def _describe(
    known: NDArray[np.int32], count: int, by_word: bool, scarce: NDArray[np.bool_], longest: int
) -> None:
    """Complete what is known of a row's words, beginning with where they are."""
    for word in range(count):
        begin, end = known[_START, word], known[_END, word]
        rare = 0
        for position in range(begin, end if scarce.size else begin):
            rare += scarce[position]
        known[_COST, word + 1] = known[_COST, word] + (1 if by_word else end - begin)
        known[_RARE, word + 1] = known[_RARE, word] + (min(rare, 1) if by_word else rare)
    known[_START, count], known[_REACH, count], known[_CLEAR, count] = -1, 0, 0
    for word in range(count - 1, -1, -1):
        joined = known[_START, word + 1] == known[_END, word]
        common = known[_RARE, word + 1] == known[_RARE, word]
        known[_REACH, word] = min(longest, 1 + joined * known[_REACH, word + 1])
        known[_CLEAR, word] = common * min(longest, 1 + joined * known[_CLEAR, word + 1])


@compiled
def _fill(
    known: NDArray[np.int32],
    count: int,
    budget: tuple[int, int, bool],
    key: np.uint64,
    cumulative: NDArray[np.float64],
    grams: NDArray[np.int32],
) -> None:
    """Mark runs in one row until its budget is spent or no free word fits."""
    room, spare, strict = budget
    left, run, counter = _CLEAR, 0, _FIRST
    while room > 0:
        n = 1
        if cumulative.size > 1:
            n += int(np.searchsorted(cumulative, uniform(key, counter), side="right"))
            counter += 1
        first, n, counter = _place(known, count, left, n, room, spare, key, counter)
        if n == 0 and spare < room and not strict:
            left, spare = _REACH, room  # scarce words are all that is left
            continue
        if n == 0 and run > 0:
            return
        if n == 0:  # every word exceeds the budget
            first, n = np.int64(np.argmin(known[_END, :count] - known[_START, :count])), 1
        run += 1
        grams[known[_START, first] : known[_END, first + n - 1]] = run
        _take(known, first, n, cumulative.size)
        room -= known[_COST, first + n] - known[_COST, first]
        spare -= known[_RARE, first + n] - known[_RARE, first]


@compiled
def _place(
    known: NDArray[np.int32],
    count: int,
    left: int,
    n: int,
    room: int,
    spare: int,
    key: np.uint64,
    counter: int,
) -> tuple[np.int64, int, int]:
    """A free run of `n` words, or else of fewer: (first word, words or 0 if none fits, next counter).

    Where chance finds none, the places left are counted: those of _REACH, or of _CLEAR.
    """
    for _ in range(_TRIES):
        first = below(key, counter, count)
        counter += 1
        if known[_REACH, first] >= n:
            kept = _fitting(known, first, n, room)
            if kept > 0 and known[_RARE, first + kept] - known[_RARE, first] <= spare:
                return first, kept, counter
    while n > 0:
        places = 0
        for word in range(count):
            places += _may_begin(known, left, word, n, room)
        rank = below(key, counter, places)
        for word in range(count if places > 0 else 0):
            rank -= _may_begin(known, left, word, n, room)
            if rank < 0:
                return np.int64(word), _fitting(known, np.int64(word), n, room), counter + 1
        n -= 1
    return np.int64(0), 0, counter


@compiled
def _may_begin(known: NDArray[np.int32], left: int, word: int, n: int, room: int) -> bool:
    """Whether a run of `n` words may begin with a word that the rest of the budget has room for."""
    return bool((known[left, word] >= n) & (known[_COST, word + 1] - known[_COST, word] <= room))


@compiled
def _fitting(known: NDArray[np.int32], first: np.int64, n: int, room: int) -> int:
    """How many of `n` words from word `first` on the rest of the budget has room for."""
    while n > 0 and known[_COST, first + n] - known[_COST, first] > room:
        n -= 1
    return n


@compiled
def _take(known: NDArray[np.int32], first: np.int64, n: int, longest: int) -> None:
    """Let no run reach into the `n` words from word `first` on any more."""
    known[_REACH, first : first + n] = known[_CLEAR, first : first + n] = 0
    for word in range(max(int(first) - longest + 1, 0), int(first)):
        known[_REACH, word] = min(known[_REACH, word], first - word)
        known[_CLEAR, word] = min(known[_CLEAR, word], first - word)
