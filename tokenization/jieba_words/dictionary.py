"""jieba's dictionary and what a user adds to it, word by word, as `gen_pfdict` and `add_word` of jieba do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np

from corpora.errors import BadData
from tokenization.jieba_words.cutting import Cutter
from tokenization.jieba_words.text import letters_of
from tokenization.jieba_words.trie import NONE, PREFIX, Trie, fill, find, insert, make

ENTRY = re.compile(r"(.+?)(?: ([0-9]+))?(?: [a-z]+)?")  # word, count, part of speech: jieba's own grammar
DIGITS = 18  # of a count; jieba sets no limit, but a longer one is a slip


def read_counts(path: Path) -> tuple[dict[str, int], int]:
    """Words with their counts, and the sum of the counts, of `word count part-of-speech` lines.

    A word that is listed twice keeps the last count; the sum has both.

    Raises:
        BadData: a line is not of that form, or nothing is counted.
    """
    counts, total, number = dict[str, int](), 0, 0
    with path.open("rb") as file:
        try:
            for number, line in enumerate(file, 1):  # noqa: B007
                word, count = line.strip().decode().split(" ", 2)[:2]
                counts[word] = size = _natural(count)
                total += size
        except ValueError as error:
            raise BadData(f"{path}:{number}: {line!r} is not `word count ...`; install jieba anew") from error
    if not total:
        raise BadData(f"{path}: no word counts anything; install jieba anew")
    return counts, total


def _natural(digits: str) -> int:
    number = int(digits)
    if number < 0:
        raise ValueError(number)
    return number


def read_entries(path: Path) -> Iterator[tuple[str, int | None]]:
    """(word, count) of each line of a user dictionary, None where no count is given.

    Raises:
        BadData: a line is not UTF-8, or its count is beyond all sense.
    """
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            entry = line.strip().decode().lstrip("\ufeff")
        except UnicodeDecodeError as error:
            raise BadData(
                f"{path}:{number}: byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
            ) from error
        match = ENTRY.fullmatch(entry)
        if match and match[2] and len(match[2]) > DIGITS:
            raise BadData(
                f"{path}:{number}: the count of {match[1]!r} has {len(match[2])} digits; give one of at most "
                f"{DIGITS}"
            )
        if match:
            yield match[1], int(match[2]) if match[2] else None


@dataclass
class Dictionary:
    """Words that grow by `add`; each step sees those before it."""

    counts: dict[str, int]
    total: int
    trie: Trie

    @classmethod
    def of(cls, counts: Mapping[str, int], total: int, room: int) -> "Dictionary":
        """Take counted words; `room` is the number of characters of all words that will be added."""
        words = letters_of("".join(counts))
        trie = make(len(words) + room)
        logs = [log(count) if count else PREFIX for count in counts.values()]
        fill(trie, words, np.cumsum([len(word) for word in counts]), np.array(logs))
        return cls(dict(counts), total, trie)

    def add(self, word: str, count: int | None) -> None:
        """Count `word`, and forget what it counted before; None: as often as keeps it in one piece.

        A word that counts 0 is never found: neither in the dictionary nor by guessing.
        """
        if count is None:
            count = self._enough(word)
        letters = letters_of(word)
        node = insert(self.trie, letters, 0, len(letters))
        self.trie.logs[node] = log(count) if count else PREFIX
        self.trie.split[node] |= not count
        self.counts[word] = count
        self.total += count

    def _enough(self, word: str) -> int:
        """A count that makes the word as probable as its parts (jieba's `suggest_freq`)."""
        share, total = 1.0, float(self.total)
        for part in self._parts(word):
            share *= self._count(part, 1) / total
        return max(int(share * self.total) + 1, self._count(word, 1))

    def _parts(self, word: str) -> Iterator[str]:
        """What jieba cuts the word into, white space included, which `Cutter` leaves out."""
        before = 0
        for begin, end in Cutter(self.trie, self.total).cut(word).tolist():
            yield from word[before:begin]
            yield word[begin:end]
            before = end
        yield from word[before:]

    def _count(self, word: str, otherwise: int) -> int:
        """Its count; 0 if words only begin so; `otherwise` if none does."""
        letters = letters_of(word)
        node = find(self.trie, letters, 0, len(letters))
        return otherwise if node == NONE else self.counts.get(word, 0)
