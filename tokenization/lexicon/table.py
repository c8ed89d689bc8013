"""The finished lexicon: similar words by token ids, as flat arrays that compiled code reads where they lie.

An *entry* is a word spelt in token ids; no two entries are spelt alike. Entries are sorted by token count,
so that those of one length are neighbours; within a length the corpus's words come first, and they are the
pool from which a random word is drawn.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpora.artefact import Artefact
from corpora.compiled import compiled
from tokenization.lexicon.fingerprints import NOTHING, collect, longer


class Arrays(NamedTuple):
    """The lexicon's parts, each a `.npy` file of its name."""

    tokens: NDArray[np.int32]  # ids of all entries, one after the other
    groups: NDArray[np.int64]  # (longest + 2, 3) by token count: first entry, end of the pool, first token
    similar: NDArray[np.int32]  # entries, the most similar first
    similar_offsets: NDArray[np.int64]  # (entries + 1,) entry e has similar[offsets[e] : offsets[e + 1]]
    slots: NDArray[np.int32]  # (a power of two,) hash table of entries by their ids, -1 empty


@dataclass(frozen=True)
class LexiconTable:
    """A lexicon opened for look-ups; memory-mapped."""

    vocabulary: str  # digest of the vocabulary whose ids it speaks
    arrays: Arrays

    @cached_property
    def replaceable(self) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
        """Which words have similar ones: those of one token by its id, (ids,), and the fingerprints of all.

        Half of a text's words are of one token, and for them nothing need be hashed.
        """
        groups, sizes = self.arrays.groups, np.arange(len(self.arrays.groups))
        which = np.diff(self.arrays.similar_offsets) > 0
        alone = np.zeros(int(self.arrays.tokens.max(initial=0)) + 1, np.bool_)
        one = slice(int(groups[1, 0]), int(groups[2, 0])) if len(groups) > 2 else slice(0, 0)
        alone[self.arrays.tokens[groups[1, 2] :][: one.stop - one.start]] = which[one]
        lengths = np.repeat(sizes[:-1], np.diff(groups[:, 0]))
        begins = np.cumsum(lengths) - lengths
        return alone, collect(self.arrays.tokens, begins[which], (begins + lengths)[which])

    @classmethod
    def open(cls, artefact: Artefact) -> "LexiconTable":
        """Map the arrays of a finished lexicon, checked against its manifest."""
        mapped = [np.load(artefact.file(f"{name}.npy"), mmap_mode="r") for name in Arrays._fields]
        return cls(str(artefact.facts["vocabulary"]), Arrays(*(np.asarray(array) for array in mapped)))


@compiled
def find(arrays: Arrays, ids: NDArray[np.int64], begin: int, end: int) -> np.int64:
    """The entry spelt `ids[begin:end]`, or -1."""
    size, last = end - begin, np.uint64(arrays.slots.size - 1)
    if size < arrays.groups.shape[0] - 1:
        slot = _hash(ids, begin, end) & last
        while arrays.slots[slot] >= 0:
            entry = np.int64(arrays.slots[slot])
            if _is_spelt(arrays, entry, ids, begin, size):
                return entry
            slot = (slot + np.uint64(1)) & last
    return np.int64(-1)


@compiled
def find_all(
    arrays: Arrays, ids: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The entries spelt `ids[begins[i]:ends[i]]`, -1 where there is none. (words,).

    In three passes, so that looks at memory do not wait for each other.
    """
    hashes, entries = np.empty(begins.size, np.uint64), np.empty(begins.size, np.int64)
    slots, last = arrays.slots, np.uint64(arrays.slots.size - 1)
    for word in range(begins.size):
        hashes[word] = _hash(ids, begins[word], ends[word])
    for word in range(begins.size):
        entries[word] = slots[hashes[word] & last]
    tokens, groups = arrays.tokens, arrays.groups
    for word in range(begins.size):
        begin, size = begins[word], ends[word] - begins[word]
        entry, same = entries[word], False
        if entry >= 0 and size < groups.shape[0] - 1:
            same = groups[size, 0] <= entry < groups[size + 1, 0]
            first = locate(groups, entry, size)
            for k in range(size if same else 0):
                same = same and tokens[first + k] == ids[begin + k]
        if entry >= 0 and not same:  # the slot is taken by another word: it may be further on
            entries[word] = find(arrays, ids, begin, ends[word])
    return entries


@compiled
def locate(groups: NDArray[np.int64], entry: int, size: int) -> np.int64:
    """Where the ids of an entry of `size` tokens begin in `tokens`: computed, sparing a look at memory."""
    return np.int64(groups[size, 2] + (entry - groups[size, 0]) * size)


@compiled
def hash_table(tokens: NDArray[np.int32], groups: NDArray[np.int64]) -> NDArray[np.int32]:
    """Slots for all entries, at most half of them taken; collisions go to the next free slot."""
    slots_needed = 2
    while slots_needed < 2 * groups[-1, 0]:
        slots_needed *= 2
    slots = np.full(slots_needed, -1, np.int32)
    last = np.uint64(slots_needed - 1)
    for size in range(groups.shape[0] - 1):
        for entry in range(groups[size, 0], groups[size + 1, 0]):
            first = locate(groups, entry, size)
            slot = _hash(tokens, first, first + size) & last
            while slots[slot] >= 0:
                slot = (slot + np.uint64(1)) & last
            slots[slot] = entry
    return slots


@compiled
def _hash(ids: NDArray[Any], begin: int, end: int) -> np.uint64:
    hashed = NOTHING
    for position in range(begin, end):
        hashed = longer(hashed, ids[position])
    return np.uint64(hashed)


@compiled
def _is_spelt(arrays: Arrays, entry: np.int64, ids: NDArray[np.int64], begin: int, size: int) -> bool:
    same = bool(arrays.groups[size, 0] <= entry < arrays.groups[size + 1, 0])
    first = locate(arrays.groups, entry, size)
    for i in range(size if same else 0):
        same = same and arrays.tokens[first + i] == ids[begin + i]
    return same
