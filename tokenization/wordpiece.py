"""Learning a WordPiece vocabulary (arXiv:1609.08144, section 4.1) as `tokenizers` does, but repeatably.

The trainer of `tokenizers` breaks ties in the order of a hash table that is seeded anew in each process: two
runs on one text give two vocabularies. Here ties go to the symbols that sort first.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

CONTINUES = "##"  # marks a piece that does not start a word
LONGEST_WORD = 100  # characters; WordPiece makes longer ones [UNK], so nothing is learnt from them


@dataclass
class _Word:
    symbols: list[str]
    count: int


def learn(words: Mapping[str, int], size: int, min_count: int) -> list[str]:
    """Learn up to `size` pieces from counted words: characters by frequency, then merges as learnt.

    A merge joins the pair of neighbouring pieces that occurs most often, `min_count` times at least.
    """
    split = [_Word(_letters(word), count) for word, count in words.items() if len(word) <= LONGEST_WORD]
    pieces = _alphabet(split, size, min_count)
    known = set(pieces)
    split = [word for word in split if len(word.symbols) > 1 and known.issuperset(word.symbols)]
    for piece in _merges(split, min_count):
        if len(pieces) >= size:
            break
        if piece not in known:
            known.add(piece)
            pieces.append(piece)
    return pieces


def _letters(word: str) -> list[str]:
    return [word[0], *(CONTINUES + letter for letter in word[1:])]


def _alphabet(words: Iterable[_Word], size: int, min_count: int) -> list[str]:
    """The most frequent single characters, first and continuing ones apart."""
    counts = Counter[str]()
    for word in words:
        for symbol in word.symbols:
            counts[symbol] += word.count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [symbol for symbol, count in ranked[:size] if count >= min_count]


def _merges(words: list[_Word], min_count: int) -> Iterable[str]:
    """Merge the most frequent pair, again and again, and yield what it becomes. Changes `words`."""
    counts, places = Counter[tuple[str, str]](), defaultdict[tuple[str, str], set[int]](set)
    for number, word in enumerate(words):
        _count(word, number, counts, places)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(heap)
    while heap:
        count, pair = heapq.heappop(heap)
        if (
            -count != counts[pair]
        ):  # an entry from before other merges changed the count; a newer one is in the heap
            continue
        if -count < min_count:
            return
        merged = pair[0] + pair[1].removeprefix(CONTINUES)
        yield merged
        changed = set[tuple[str, str]]()
        for number in places.pop(pair):
            changed |= _recount(words[number], number, pair, merged, counts, places)
        for other in changed:
            heapq.heappush(heap, (-counts[other], other))


def _count(
    word: _Word, number: int, counts: Counter[tuple[str, str]], places: dict[tuple[str, str], set[int]]
) -> None:
    for pair in pairwise(word.symbols):
        counts[pair] += word.count
        places[pair].add(number)


def _recount(
    word: _Word,
    number: int,
    pair: tuple[str, str],
    merged: str,
    counts: Counter[tuple[str, str]],
    places: dict[tuple[str, str], set[int]],
) -> set[tuple[str, str]]:
    """Merge `pair` in one word; the pairs whose counts changed."""
    before = set(pairwise(word.symbols))
    for old in pairwise(word.symbols):
        counts[old] -= word.count
    word.symbols = _merged(word.symbols, pair, merged)
    _count(word, number, counts, places)
    return before | set(pairwise(word.symbols))


def _merged(symbols: list[str], pair: tuple[str, str], merged: str) -> list[str]:
    result = list[str]()
    for symbol in symbols:
        if result and (result[-1], symbol) == pair:
            result[-1] = merged
        else:
            result.append(symbol)
    return result
