import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.pretrain.test_replacement import SIMILAR_WORDS, STOCK
from tokenization.lexicon.fingerprints import NOTHING, collect, holds, longer

sequences = st.lists(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6).map(tuple), max_size=60)


def hashed(sequence: tuple[int, ...]) -> np.uint64:
    value = NOTHING
    for token in sequence:
        value = np.uint64(longer(value, token))  # numba hands out Python's integers
    return value


@given(sequences, sequences)
def test_the_set_holds_its_members_and_no_others(
    members: list[tuple[int, ...]], others: list[tuple[int, ...]]
) -> None:
    ends = np.cumsum([len(member) for member in members], dtype=np.int64)
    tokens = np.array([token for member in members for token in member], np.int32)
    prints = collect(tokens, ends - np.diff(ends, prepend=0), ends)
    assert prints.size >= 2 * len(members)
    assert all(holds(prints, hashed(member)) for member in members)
    assert not any(holds(prints, hashed(other)) for other in others if other not in members)


def test_fingerprints_are_spread() -> None:
    slots = {int(hashed((a, b))) & 0xFFFF for a in range(200) for b in range(200)}
    assert abs(len(slots) / 65536 - (1 - np.exp(-40_000 / 65536))) < 0.01  # as of random numbers


def test_replaceable_words_are_those_with_similar_ones() -> None:
    assert STOCK.lexicon is not None
    alone, prints = STOCK.lexicon.replaceable
    assert all(holds(prints, hashed(word)) for word in SIMILAR_WORDS)
    assert set(np.flatnonzero(alone).tolist()) == {word[0] for word in SIMILAR_WORDS if len(word) == 1}
    assert not any(holds(prints, hashed(word)) for word in ((11,), (11, 13), (12, 12), (12, 13, 14)))
