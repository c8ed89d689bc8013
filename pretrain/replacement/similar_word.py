"""MacBERT's replacement: similar words instead of [MASK] (arXiv:2004.13922; 1906.08101v3, section 4)."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.batch import FALLBACK, KEPT, RANDOM, SIMILAR
from pretrain.randomness import below, uniform
from pretrain.replacement.shares import check_shares
from pretrain.replacement.stock import Stock
from pretrain.words import find_words
from tokenization.compiled import compiled
from tokenization.lexicon.table import Arrays, find, locate

Share = Annotated[float, Field(ge=0, le=1)]


class SimilarWord(Settings):
    """80 % a similar word, 10 % a random word, 10 % kept; never [MASK]. Every word is drawn on its own.

    What the paper leaves open: similar and random words have as many tokens as the word they replace, so
    that targets stay aligned (as in its figure 1). A word that has no similar word becomes a random one
    while the row's `fallback` lasts (visited from a random word on, so that no place is favoured), and is
    kept after that.
    """

    strategy: Literal["similar_word"] = "similar_word"
    """Show a similar word, a random word or the word itself."""
    similar: Share = 0.8
    """Share of the words to predict that become a similar word."""
    random: Share = 0.1
    """Share that become a random word of the corpus."""
    kept: Share = 0.1
    """Share that stay what they are, and are predicted all the same."""
    fallback: Share = 0.1
    """Of a row's tokens to predict, the share that may turn random for want of a similar word: the journal
    version's limit. In tokens it is rounded up or down at random, so that it holds on average, not in each
    short row. 1: always random, 0: always kept."""

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        check_shares(similar=self.similar, random=self.random, kept=self.kept)
        return self

    def replace(
        self,
        ids: NDArray[np.int64],
        words: NDArray[np.int32],
        chosen: NDArray[np.bool_],
        keys: NDArray[np.uint64],
        stock: Stock,
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """New ids and what each token became, both (batch, length).

        Raises:
            UsageError: there is no lexicon.
        """
        if stock.lexicon is None:
            raise UsageError(
                "replacement 'similar_word' needs a lexicon, got none; add a stage of kind 'lexicon' before "
                "this one, or name a finished one as `lexicon`"
            )
        shown, kinds = ids.copy(), np.zeros(ids.shape, np.uint8)
        units = np.where(chosen, words, np.int32(-1))
        shares = self.similar, self.similar + self.random, self.fallback
        _replace(ids, units, keys, shares, stock.random_ids, stock.lexicon.arrays, shown, kinds)
        return shown, kinds


@compiled
def _replace(
    ids: NDArray[np.int64],
    units: NDArray[np.int32],
    keys: NDArray[np.uint64],
    shares: tuple[float, float, float],
    random_ids: NDArray[np.int64],
    lexicon: Arrays,
    shown: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> None:
    """Change `shown` and fill `kinds`, row by row.

    Draws 0 and 1 of a key are the row's, the three from 3p + 2 on are position p's.
    """
    batch, length = units.shape
    starts, ends = np.empty(length, np.int32), np.empty(length, np.int32)
    for row in range(batch):
        key = keys[row]
        count, tokens = find_words(units[row], starts, ends)
        left = int(shares[2] * tokens + uniform(key, 0))  # of the fallback, in tokens
        turn = below(key, 1, max(count, 1))
        for step in range(count):
            begin, end = starts[(turn + step) % count], ends[(turn + step) % count]
            kind, entry = _decide(ids[row], begin, end, key, shares, left, lexicon)
            if kind == SIMILAR:
                _show_similar(entry, begin, end, key, lexicon, shown[row])
            elif kind != KEPT:
                _show_random(begin, end, key, random_ids, lexicon, shown[row])
            if kind == FALLBACK:
                left -= end - begin
            kinds[row, begin:end] = kind


@compiled
def _decide(
    ids: NDArray[np.int64],
    begin: int,
    end: int,
    key: np.uint64,
    shares: tuple[float, float, float],
    left: int,
    lexicon: Arrays,
) -> tuple[int, np.int64]:
    """What the word at [begin, end) becomes, and its entry if that is to be a similar word."""
    share, entry = uniform(key, 3 * begin + 2), np.int64(-1)
    if share >= shares[1]:
        return KEPT, entry
    if share >= shares[0]:
        return RANDOM, entry
    entry = find(lexicon, ids, begin, end)
    if entry >= 0 and lexicon.similar_offsets[entry] < lexicon.similar_offsets[entry + 1]:
        return SIMILAR, entry
    return FALLBACK if end - begin <= left else KEPT, entry


@compiled
def _show_similar(
    entry: np.int64, begin: int, end: int, key: np.uint64, lexicon: Arrays, shown: NDArray[np.int64]
) -> None:
    """Write one of the entry's similar words, all equally likely, over the word at [begin, end)."""
    first = lexicon.similar_offsets[entry]
    pick = below(key, 3 * begin + 3, lexicon.similar_offsets[entry + 1] - first)
    _show(lexicon.similar[first + pick], begin, end, lexicon, shown)


@compiled
def _show_random(
    begin: int,
    end: int,
    key: np.uint64,
    random_ids: NDArray[np.int64],
    lexicon: Arrays,
    shown: NDArray[np.int64],
) -> None:
    """Write a word of the corpus over the one at [begin, end); random tokens where it has none so long."""
    size, first, last = end - begin, 0, 0
    if size < lexicon.groups.shape[0]:
        first, last = lexicon.groups[size, 0], lexicon.groups[size, 1]
    if first < last:
        _show(first + below(key, 3 * begin + 3, last - first), begin, end, lexicon, shown)
    else:
        for position in range(begin, end):
            shown[position] = random_ids[below(key, 3 * position + 4, random_ids.size)]


@compiled
def _show(entry: int, begin: int, end: int, lexicon: Arrays, shown: NDArray[np.int64]) -> None:
    """Write the ids of `entry` to [begin, end)."""
    first = locate(lexicon.groups, entry, end - begin)
    for i in range(end - begin):
        shown[begin + i] = lexicon.tokens[first + i]
