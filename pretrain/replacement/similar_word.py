"""MacBERT's replacement: similar words instead of [MASK] (arXiv:2004.13922; 1906.08101v3, section 4)."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from corpora.compiled import compiled
from corpora.errors import UsageError
from pretrain.batch import FALLBACK, KEPT, RANDOM, SIMILAR
from pretrain.randomness import below, uniform
from pretrain.replacement.shares import Share, check_shares
from pretrain.replacement.stock import Stock
from pretrain.replacement.strategy import Strategy
from pretrain.words import Scarce, Text
from tokenization.lexicon.fingerprints import NOTHING, holds, longer
from tokenization.lexicon.table import Arrays, LexiconTable, find_all, locate


class SimilarWord(Strategy):
    """80 % a similar word, 10 % a random word, 10 % kept; never [MASK]. Every word is drawn on its own.

    What the paper leaves open: similar and random words have as many tokens as the word they replace, so that
    targets stay aligned (as in its figure 1). A word that has no similar one turns random in its place, and
    so that this stays within `fallback`, masking chooses few such words, and others instead: of what is
    chosen, 80/10/10 then holds. The price: words without similar ones (particles, punctuation, names) are
    predicted less often than they stand in the text, the more so the fewer words the lexicon knows.
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
    """Of what a row has to predict, the share at most that is of words without a similar one: the limit of
    the journal version for random words in place of similar ones. The fraction of a token is rounded up or
    down at random, so that it holds on average in short rows. 1: no limit, every word is as likely."""
    beyond: Literal["random", "fewer"] = "random"
    """What happens beyond that in a row that has no other words left, such as one in a language that the
    lexicon does not know. `random`: they are chosen all the same and turn random, which the paper's own
    comparison of replacements puts second; `fewer`: the limit holds in every row, and less of such a row is
    predicted."""

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        check_shares(similar=self.similar, random=self.random, kept=self.kept)
        return self

    def scarce(self, text: Text, stock: Stock) -> Scarce | None:
        """Words without a similar one, unless there may be as many as there are."""
        if self.fallback == 1 or self.similar == 0:
            return None
        tokens = _unknown(text.ids, text.words, *_lexicon_of(stock).replaceable)
        return Scarce(tokens, self.fallback, self.beyond == "fewer")

    def replace(
        self, text: Text, runs: NDArray[np.int32], keys: NDArray[np.uint64], stock: Stock
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """New ids and what each token became, both (batch, length).

        Raises:
            UsageError: there is no lexicon.
        """
        lexicon = _lexicon_of(stock).arrays
        shown, kinds = text.ids.copy(), np.zeros(text.ids.shape, np.uint8)
        begins, ends = _list_words(text.words, runs)
        entries = find_all(lexicon, text.ids.ravel(), begins, ends)
        shares = self.similar, self.similar + self.random
        _replace(begins, ends, entries, keys, shares, stock.random_ids, lexicon, shown, kinds)
        return shown, kinds


def _lexicon_of(stock: Stock) -> LexiconTable:
    if stock.lexicon is None:
        raise UsageError(
            "replacement 'similar_word' needs a lexicon, got none; add a stage of kind 'lexicon' before "
            "this one, or name a finished one as `lexicon`"
        )
    return stock.lexicon


@compiled
def _unknown(
    ids: NDArray[np.int64], words: NDArray[np.int32], alone: NDArray[np.bool_], known: NDArray[np.uint32]
) -> NDArray[np.bool_]:
    """Mark every token of the words that are not known: (batch, length).

    `alone` (ids,) says which words of one token are known, the fingerprints `known` which of all. First the
    words of a row are hashed, then they are looked up: no look at memory waits for another.
    """
    batch, length = words.shape
    marked = np.zeros(words.shape, np.bool_)
    begins, hashes = np.empty(length + 1, np.int32), np.empty(length + 1, np.uint64)
    for row in range(batch):
        count, before, hashed = 0, np.int32(-2), NOTHING
        for position in range(length):
            first = words[row, position] != before
            before = words[row, position]
            begins[count] = position  # overwritten until a word begins here
            count += first
            hashed = longer(NOTHING if first else hashed, ids[row, position])
            hashes[count] = hashed
        begins[count] = length
        for word in range(count):
            begin, end = begins[word], begins[word + 1]
            if end == begin + 1:
                token = ids[row, begin]
                marked[row, begin] = (words[row, begin] >= 0) & ((token >= alone.size) or not alone[token])
            elif words[row, begin] >= 0 and not holds(known, hashes[word + 1]):
                marked[row, begin:end] = True
    return marked


@compiled
def _list_words(
    words: NDArray[np.int32], runs: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the words to predict begin and end (exclusive), counted over all rows."""
    begins, ends, count = np.empty(words.size, np.int64), np.empty(words.size, np.int64), 0
    batch, length = words.shape
    for row in range(batch):
        before = np.int32(-1)
        for position in range(length):
            word = words[row, position] if runs[row, position] > 0 else np.int32(-1)
            if word >= 0:
                if word != before:
                    begins[count] = row * length + position
                    count += 1
                ends[count - 1] = row * length + position + 1
            before = word
    return begins[:count].copy(), ends[:count].copy()


@compiled
def _replace(
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    entries: NDArray[np.int64],
    keys: NDArray[np.uint64],
    shares: tuple[float, float],
    random_ids: NDArray[np.int64],
    lexicon: Arrays,
    shown: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> None:
    """Change `shown` and fill `kinds`, word by word. The three draws from 3p on are those of position p."""
    what = _draw_entries(begins, ends, entries, keys, shares, lexicon, shown.shape[1])
    tokens, groups = lexicon.tokens, lexicon.groups
    for word in range(begins.size):
        row, begin = divmod(begins[word], shown.shape[1])
        size, entry = ends[word] - begins[word], entries[word]
        kinds[row, begin : begin + size] = what[word]
        if what[word] == KEPT:
            continue
        first = locate(groups, entry, size)
        for k in range(size):
            if entry >= 0:
                shown[row, begin + k] = tokens[first + k]
            else:
                pick = below(keys[row], 3 * (begin + k) + 2, random_ids.size)
                shown[row, begin + k] = random_ids[pick]


@compiled
def _draw_entries(
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    entries: NDArray[np.int64],
    keys: NDArray[np.uint64],
    shares: tuple[float, float],
    lexicon: Arrays,
    length: int,
) -> NDArray[np.uint8]:
    """What each word becomes, (words,). `entries` change from the words' own to those to show, -1: none."""
    what, offsets = np.empty(begins.size, np.uint8), lexicon.similar_offsets
    for word in range(begins.size):
        row, begin = divmod(begins[word], length)
        key, entry, share = keys[row], entries[word], uniform(keys[row], 3 * begin)
        many = offsets[entry + 1] - offsets[entry] if entry >= 0 and share < shares[0] else 0
        if share >= shares[1]:
            what[word] = KEPT
        elif many > 0:
            what[word] = SIMILAR
            entries[word] = offsets[entry] + below(key, 3 * begin + 1, many)
        else:
            what[word] = RANDOM if share >= shares[0] else FALLBACK
            entries[word] = _random_word(lexicon.groups, ends[word] - begins[word], key, begin)
    for word in range(begins.size):
        if what[word] == SIMILAR:
            entries[word] = lexicon.similar[entries[word]]
    return what


@compiled
def _random_word(groups: NDArray[np.int64], size: int, key: np.uint64, begin: int) -> np.int64:
    """An entry of `size` tokens among the corpus's words, or -1 where it has none so long."""
    if size < groups.shape[0] and groups[size, 0] < groups[size, 1]:
        return np.int64(groups[size, 0] + below(key, 3 * begin + 1, groups[size, 1] - groups[size, 0]))
    return np.int64(-1)
