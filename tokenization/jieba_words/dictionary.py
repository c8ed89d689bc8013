"""jieba's dictionary and what a user adds to it, word by word, as `gen_pfdict` and `add_word` of jieba do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.compiled import compiled
from corpora.errors import BadData
from tokenization.jieba_words.cutting import Cutter
from tokenization.jieba_words.text import letters_of
from tokenization.jieba_words.trie import NONE, PREFIX, Trie, fill, find, insert, make

ENTRY = re.compile(r"(.+?)(?: ([0-9]+))?(?: [a-z]+)?")  # word, count, part of speech: jieba's own grammar
DIGITS = 18  # of a count; jieba sets no limit, but a longer one is a slip
SPACE, LINE_END, RETURN, ZERO = 0x20, 0x0A, 0x0D, 0x30


@dataclass(frozen=True)
class Counted:
    """Words with their counts, in the order of a file; of a word listed twice, the last count is meant."""

    letters: NDArray[np.int64]  # of all words
    ends: NDArray[np.int64]  # (words,) of each among the letters
    counts: NDArray[np.int64]  # (words,)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Counted":
        """The words of a mapping."""
        ends = np.cumsum(np.array([len(word) for word in counts], np.int64))
        return cls(letters_of("".join(counts)), ends, np.array(list(counts.values()), np.int64))


def read_counts(path: Path) -> Counted:
    """The words of `word count part-of-speech` lines.

    Raises:
        BadData: a line is not of that form, or nothing is counted.
    """
    read = path.read_bytes()
    try:
        counted, bad = _parse(letters_of(read.decode()))
    except UnicodeDecodeError as error:
        bad = read.count(b"\n", 0, error.start) + 1
    if bad:
        line = read.split(b"\n")[bad - 1]
        raise BadData(f"{path}:{bad}: {line!r} is not `word count ...`; install jieba anew")
    if not counted[2].sum():
        raise BadData(f"{path}: no word counts anything; install jieba anew")
    return Counted(*counted)


@compiled
def _parse(
    text: NDArray[np.int64],
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], int]:
    """Letters, ends and counts of the words; and the number of the first line that is bad, or 0."""
    letters, ends, counts = np.empty_like(text), np.empty_like(text), np.empty_like(text)
    at = word = used = 0
    while at < len(text):
        begin = used
        while at < len(text) and text[at] not in (SPACE, LINE_END, RETURN):
            letters[used] = text[at]
            at, used = at + 1, used + 1
        at, first, count = at + 1, at + 1, 0
        while at < len(text) and 0 <= text[at] - ZERO <= 9:
            count = 10 * count + text[at] - ZERO
            at += 1
        bad = used == begin or not 0 < at - first <= DIGITS or text[first - 1] != SPACE
        if bad or (at < len(text) and text[at] not in (SPACE, LINE_END, RETURN)):
            return (letters[:0], ends[:0], counts[:0]), word + 1
        ends[word], counts[word] = used, count
        word += 1
        while at < len(text) and text[at] != LINE_END:
            at += 1
        at += 1
    return (letters[:used].copy(), ends[:word].copy(), counts[:word].copy()), 0


def read_entries(path: Path) -> Iterator[tuple[str, int | None]]:
    """(word, count) of each line of a user dictionary, None where no count is given.

    Raises:
        BadData: a line is not UTF-8, has a tab in it, or its count is beyond all sense.
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
        if "\t" in entry:
            raise BadData(
                f"{path}:{number}: there is a tab in {entry[:40]!r}, which would be of the word; put one "
                "space between word, count and part of speech, as jieba reads them"
            )
        if match:
            yield match[1], int(match[2]) if match[2] else None


@dataclass
class Dictionary:
    """Words that grow by `add`; each step sees those before it."""

    trie: Trie
    total: int  # of all counts; of a word that is listed twice, both
    _nodes: NDArray[np.int64]  # of the words that it began with
    _counts: NDArray[np.int64]

    @classmethod
    def of(cls, words: Counted, room: int) -> "Dictionary":
        """Take counted words; `room` is the number of characters of all words that will be added."""
        trie = make(len(words.letters) + room)
        values, kinds = np.unique(words.counts, return_inverse=True)
        logs = np.array([_log(count) for count in values.tolist()])
        nodes = fill(trie, words.letters, words.ends, logs[kinds])
        return cls(trie, int(words.counts.sum()), nodes, words.counts)

    def add(self, word: str, count: int | None) -> None:
        """Count `word`, and forget what it counted before; None: as often as keeps it in one piece.

        A word that counts 0 is never found: neither in the dictionary nor by guessing.
        """
        if count is None:
            count = self._enough(word)
        letters = letters_of(word)
        node = insert(self.trie, letters, 0, len(letters))
        self.trie.logs[node] = _log(count)
        self.trie.split[node] |= not count
        self._by_node[node] = count
        self.total += count

    def count(self, word: str) -> int | None:
        """Its count; 0 if words only begin so; None if none does."""
        letters = letters_of(word)
        node = find(self.trie, letters, 0, len(letters))
        return None if node == NONE else int(self._by_node[node])

    @cached_property
    def _by_node(self) -> NDArray[np.int64]:
        """Counts by node, (slots,): asked for only where words are added."""
        counts = np.zeros(len(self.trie.keys), np.int64)
        counts[self._nodes] = self._counts  # of equal nodes the last is kept
        return counts

    def _enough(self, word: str) -> int:
        """A count that makes the word as probable as its parts (jieba's `suggest_freq`)."""
        share, total = 1.0, float(self.total)
        for part in self._parts(word):
            share *= self._count_or_one(part) / total
        return max(int(share * self.total) + 1, self._count_or_one(word))

    def _count_or_one(self, word: str) -> int:
        count = self.count(word)
        return 1 if count is None else count

    def _parts(self, word: str) -> Iterator[str]:
        """What jieba cuts the word into, white space included, which `Cutter` leaves out."""
        before = 0
        for begin, end in Cutter(self.trie, self.total).cut(word).tolist():
            yield from word[before:begin]
            yield word[begin:end]
            before = end
        yield from word[before:]


def _log(count: int) -> float:
    return log(count) if count else PREFIX
