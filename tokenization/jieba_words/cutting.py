"""Text -> words: jieba's `cut` in its exact mode, with and without the guessing of unknown words."""

from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tokenization.compiled import compiled
from tokenization.jieba_words.graph import route
from tokenization.jieba_words.letters import in_block, is_latin, is_space
from tokenization.jieba_words.text import Text, append, append_each, codes_of, open_text
from tokenization.jieba_words.trie import NONE, Trie, find
from tokenization.jieba_words.unknown import Model, guess


class Cutter:
    """A dictionary and a model, ready to cut."""

    def __init__(self, trie: Trie, total: int, model: Model | None = None) -> None:
        """Take the words, the sum of their counts, and the model of unknown words, None: no guessing."""
        split = trie.split if model and trie.split.any() else trie.split[:0]
        # as plain tuples: to look at named ones takes numba two microseconds longer, much for a short text
        self._trie, self._log_total = tuple(trie._replace(split=split)), log(total)
        self._model, self._guessing = tuple(model or Model.none()), model is not None

    def cut(self, text: str) -> NDArray[np.int64]:
        """[begin, end) of the words, (words, 2); white space is in none."""
        return _cut(codes_of(text), self._trie, self._log_total, self._model, self._guessing)


@compiled
def _cut(
    codes: NDArray[np.uint32],
    words: tuple[NDArray[Any], ...],
    log_total: float,
    probabilities: tuple[NDArray[Any], ...],
    guessing: bool,
) -> NDArray[np.int64]:
    """Find the blocks; all other characters are words of their own."""
    trie, model = Trie(*words), Model(*probabilities)
    text, count, begin = open_text(codes), 0, 0
    letters = text.letters
    while begin < len(letters):
        end = begin
        while end < len(letters) and in_block(letters[end]):
            end += 1
        if end > begin:
            route(text, begin, end, trie, log_total)
            if guessing:
                count = _guessed(text, begin, end, trie, model, count)
            else:
                count = _known(text, begin, end, count)
        elif not is_space(letters[begin]):
            count = append(text, count, begin, begin + 1)
        begin = max(end, begin + 1)
    return text.spans[:count].copy()


@compiled
def _known(text: Text, begin: int, end: int, count: int) -> int:
    """Append the words of a path; single Latin letters and digits that follow each other are one word."""
    held = begin
    while begin < end:
        stop = text.ends[begin]
        if stop > begin + 1 or not is_latin(text.letters[begin]):
            if held < begin:
                count = append(text, count, held, begin)
            count = append(text, count, begin, stop)
            held = stop
        begin = stop
    return append(text, count, held, end) if held < end else count


@compiled
def _guessed(text: Text, begin: int, end: int, trie: Trie, model: Model, count: int) -> int:
    """Append the words of a path; single characters that follow each other are looked at together."""
    held = begin
    while begin < end:
        stop = text.ends[begin]
        if stop > begin + 1:
            count = _singles(text, held, begin, trie, model, count)
            count = append(text, count, begin, stop)
            held = stop
        begin = stop
    return _singles(text, held, end, trie, model, count)


@compiled
def _singles(text: Text, begin: int, end: int, trie: Trie, model: Model, count: int) -> int:
    """Append what single characters make: a dictionary word stays split, since the path split it."""
    if end - begin > 1:
        node = find(trie, text.letters, begin, end)
        if node == NONE or trie.logs[node] < 0:
            return guess(text, begin, end, trie, model, count)
    return append_each(text, count, begin, end)
