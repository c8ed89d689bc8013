"""Words as a trie in one hash table: (node, next character) -> node, where a node is the slot of its key.

A step costs one look into memory, mostly; adding a word moves nothing. The table does not grow: it is made
with room for all that will be added. Most steps lead nowhere, and the table is larger than a processor's
caches, so a small filter answers those first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpora.compiled import compiled
from tokenization.jieba_words.letters import LAST_HAN

ROOT = 0  # slot 0 holds no key
NONE = -1  # no such node
FREE, TAKEN = -1, -2  # keys of an empty slot and of the root's
LETTER_BITS = 21
FIRSTS = LAST_HAN + 1  # letters with a table of their own: those of blocks lie below
PREFIX = -1.0  # in place of a logarithm, which is 0 at least: words begin so, none ends here


class Trie(NamedTuple):
    """The table; the number of slots is a power of two."""

    keys: NDArray[np.int64]  # (slots,) node << LETTER_BITS | next character
    logs: NDArray[np.float64]  # (slots,) logarithm of the count of the word that ends here, or PREFIX
    split: NDArray[np.bool_]  # (slots,) the word that ends here is never guessed; (0,) where none is
    filter: NDArray[np.uint8]  # (slots / 4,) two bits a slot: set where a key's hash falls (Bloom's filter)
    firsts: NDArray[np.int32]  # (FIRSTS,) nodes of first letters, or NONE: every look for a word begins here


def make(characters: int) -> Trie:
    """An empty trie with room for words of so many characters together."""
    slots = max(8, 1 << (2 * characters).bit_length())
    keys = np.full(slots, FREE, np.int64)
    keys[ROOT] = TAKEN
    logs, split, filter_ = np.full(slots, PREFIX), np.zeros(slots, np.bool_), np.zeros(slots // 4, np.uint8)
    return Trie(keys, logs, split, filter_, np.full(FIRSTS, NONE, np.int32))


@compiled
def _hash(node: int, letter: int) -> int:
    mixed = node * 0x85EBCA6B + letter * 0x9E3779B1  # below 2**63: node < 2**30, letter < 2**21
    return mixed ^ mixed >> 19


@compiled
def _slot(keys: NDArray[np.int64], node: int, letter: int, hashed: int) -> int:
    """Where the key is, or else the free slot where it would be."""
    last = len(keys) - 1
    key = node << LETTER_BITS | letter
    slot = hashed & last
    while keys[slot] != key and keys[slot] != FREE:
        slot = (slot + 1) & last
    return slot


@compiled
def step(trie: Trie, node: int, letter: int) -> int:
    """The node after `letter`, or NONE."""
    hashed = _hash(node, letter)
    bit = hashed >> 3 & 8 * len(trie.filter) - 1
    if not trie.filter[bit >> 3] >> (bit & 7) & 1:
        return NONE
    slot = _slot(trie.keys, node, letter, hashed)
    return slot if trie.keys[slot] != FREE else NONE


@compiled
def begun(trie: Trie, letter: int) -> int:
    """The node of the words that begin with `letter`, or NONE."""
    return trie.firsts[letter] if letter < FIRSTS else step(trie, ROOT, letter)


@compiled
def find(trie: Trie, letters: NDArray[np.int64], begin: int, end: int) -> int:
    """The node of letters[begin:end], or NONE."""
    node = ROOT
    for at in range(begin, end):
        node = step(trie, node, letters[at])
        if node == NONE:
            break
    return node


@compiled
def is_split(trie: Trie, letters: NDArray[np.int64], begin: int, end: int) -> bool:
    """Whether letters[begin:end] is a word that must not be guessed."""
    if len(trie.split) == 0:
        return False
    node = find(trie, letters, begin, end)
    return node != NONE and trie.split[node]


@compiled
def insert(trie: Trie, letters: NDArray[np.int64], begin: int, end: int) -> int:
    """The node of letters[begin:end], made if there is none. Changes `trie`."""
    node = ROOT
    for at in range(begin, end):
        hashed = _hash(node, letters[at])
        bit = hashed >> 3 & 8 * len(trie.filter) - 1
        trie.filter[bit >> 3] |= 1 << (bit & 7)
        slot = _slot(trie.keys, node, letters[at], hashed)
        trie.keys[slot] = node << LETTER_BITS | letters[at]
        node = slot
        if at == begin and letters[at] < FIRSTS:
            trie.firsts[letters[at]] = node
    return node


@compiled
def fill(
    trie: Trie, letters: NDArray[np.int64], ends: NDArray[np.int64], logs: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Insert the words that end at `ends` of `letters`, one after the other; their nodes. Changes `trie`."""
    nodes, begin = np.empty(len(ends), np.int64), 0
    for word in range(len(ends)):
        nodes[word] = insert(trie, letters, begin, ends[word])
        trie.logs[nodes[word]] = logs[word]
        begin = ends[word]
    return nodes
