"""Text -> words: jieba's `cut` in its exact mode, with and without the guessing of unknown words."""

from math import log

import numpy as np
from numpy.typing import NDArray

from tokenization.compiled import compiled
from tokenization.jieba_words.graph import route
from tokenization.jieba_words.letters import in_block, is_latin, is_space
from tokenization.jieba_words.spans import append, append_each
from tokenization.jieba_words.trie import NONE, Trie, find, letters_of
from tokenization.jieba_words.unknown import Model, guess


class Cutter:
    """A dictionary and a model, ready to cut."""

    def __init__(self, trie: Trie, total: int, model: Model | None = None) -> None:
        """Take the words, the sum of their counts, and the model of unknown words, None: no guessing."""
        split = trie.split if model and trie.split.any() else trie.split[:0]
        self._trie, self._log_total = trie._replace(split=split), log(total)
        self._model, self._guessing = model or Model.none(), model is not None

    def cut(self, text: str) -> NDArray[np.int64]:
        """[begin, end) of the words, (words, 2); white space is in none."""
        letters = letters_of(text)
        return _cut(letters, self._trie, self._log_total, self._model, self._guessing)


@compiled
def _cut(
    letters: NDArray[np.int64], trie: Trie, log_total: float, model: Model, guessing: bool
) -> NDArray[np.int64]:
    """Find the blocks; all other characters are words of their own."""
    size = len(letters)
    spans, count = np.empty((size, 2), np.int64), 0
    scores, ends = np.empty(size + 1), np.empty(size, np.int64)
    states = np.empty(size, np.uint8)
    begin = 0
    while begin < size:
        end = begin
        while end < size and in_block(letters[end]):
            end += 1
        if end > begin:
            route(letters, begin, end, trie, log_total, scores, ends)
            if guessing:
                count = _guessed(letters, begin, end, ends, trie, model, states, spans, count)
            else:
                count = _known(letters, begin, end, ends, spans, count)
        elif not is_space(letters[begin]):
            count = append(spans, count, begin, begin + 1)
        begin = max(end, begin + 1)
    return spans[:count].copy()


@compiled
def _known(
    letters: NDArray[np.int64],
    begin: int,
    end: int,
    ends: NDArray[np.int64],
    spans: NDArray[np.int64],
    count: int,
) -> int:
    """Append the words of a path; single Latin letters and digits that follow each other are one word."""
    held = begin
    while begin < end:
        stop = ends[begin]
        if stop > begin + 1 or not is_latin(letters[begin]):
            if held < begin:
                count = append(spans, count, held, begin)
            count = append(spans, count, begin, stop)
            held = stop
        begin = stop
    if held < end:
        count = append(spans, count, held, end)
    return count


@compiled
def _guessed(
    letters: NDArray[np.int64],
    begin: int,
    end: int,
    ends: NDArray[np.int64],
    trie: Trie,
    model: Model,
    states: NDArray[np.uint8],
    spans: NDArray[np.int64],
    count: int,
) -> int:
    """Append the words of a path; single characters that follow each other are looked at together."""
    held = begin
    while begin < end:
        stop = ends[begin]
        if stop > begin + 1:
            count = _singles(letters, held, begin, trie, model, states, spans, count)
            count = append(spans, count, begin, stop)
            held = stop
        begin = stop
    return _singles(letters, held, end, trie, model, states, spans, count)


@compiled
def _singles(
    letters: NDArray[np.int64],
    begin: int,
    end: int,
    trie: Trie,
    model: Model,
    states: NDArray[np.uint8],
    spans: NDArray[np.int64],
    count: int,
) -> int:
    """Append what single characters make: a dictionary word stays split, since the path split it."""
    if end - begin > 1:
        node = find(trie, letters, begin, end)
        if node == NONE or trie.logs[node] < 0:
            return guess(letters, begin, end, trie, model, states, spans, count)
    return append_each(spans, count, begin, end)
