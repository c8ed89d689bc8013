from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from corpora.errors import UsageError
from pretrain.batch import FALLBACK, KEPT, MASK, RANDOM, SIMILAR, UNTOUCHED
from pretrain.masking import WholeWordMasking
from pretrain.randomness import key
from pretrain.replacement import BertReplacement, MaskOnly, Replacement, SimilarWord
from pretrain.replacement.stock import Stock
from tests.pretrain.layouts import Layout, chinese_like, layouts, words_of
from tests.tokenization.making import similar
from tokenization.lexicon.table import Arrays, LexiconTable, hash_table
from tokenization.vocabulary import Vocabulary

MASK_ID, FIRST, SIZE = 4, 10, 200  # ids 0 to 9 are special or unused
Ids = NDArray[np.int64]


def make_table(similar: Mapping[tuple[int, ...], Sequence[tuple[int, ...]]]) -> LexiconTable:
    """A lexicon of these spellings, all of them words of the corpus."""
    others = {other for neighbours in similar.values() for other in neighbours}
    spelt = sorted({*similar, *others}, key=lambda spelling: (len(spelling), spelling))
    numbers = {spelling: entry for entry, spelling in enumerate(spelt)}
    sizes = [len(spelling) for spelling in spelt]
    tokens = np.array([token for spelling in spelt for token in spelling], np.int32)
    found = [[numbers[other] for other in similar.get(spelling, ())] for spelling in spelt]
    groups = np.array(
        [
            [sum(n < size for n in sizes), sum(n <= size for n in sizes), sum(n for n in sizes if n < size)]
            for size in range(max(sizes) + 2)
        ]
    )
    return LexiconTable(
        "digest",
        Arrays(
            tokens=tokens,
            groups=groups,
            similar=np.array([entry for entries in found for entry in entries], np.int32),
            similar_offsets=np.cumsum([0, *map(len, found)]),
            slots=hash_table(tokens, groups),
        ),
    )


# Even single tokens and pairs have similar words, odd ones none; three tokens and more are unknown.
SIMILAR_WORDS: dict[tuple[int, ...], list[tuple[int, ...]]] = {
    **{(a,): [(b,) for b in range(FIRST, SIZE, 17) if b != a] for a in range(FIRST, SIZE, 2)},
    **{(a, b): [(b, a), (b, b)] for a in range(FIRST, SIZE, 2) for b in range(FIRST + 1, SIZE, 2)},
}
STOCK = Stock(MASK_ID, np.arange(FIRST, SIZE, dtype=np.int64), make_table(SIMILAR_WORDS))


def fill(words: NDArray[np.int32], seed: int = 0) -> Ids:
    """Random ids for rows laid out as `words`; 0 at specials and padding."""
    drawn = np.random.default_rng(seed).integers(FIRST, SIZE, words.shape)
    return np.where(words < 0, 0, drawn)


def keys_of(rows: int) -> NDArray[np.uint64]:
    return key(0, "replacement", 0, np.arange(rows))


MEMBERS = [
    MaskOnly(),
    BertReplacement(),
    BertReplacement(unit="word"),
    SimilarWord(),
    SimilarWord(fallback=1.0),
]
members = pytest.mark.parametrize("member", MEMBERS, ids=str)


@members
@given(rows=layouts, share=st.floats(0.1, 0.9))
def test_only_chosen_tokens_change_and_never_into_specials(
    member: Replacement, rows: list[Layout], share: float
) -> None:
    words = words_of(rows)
    ids, chosen = fill(words), WholeWordMasking(budget=share).choose(words, keys_of(len(rows)))
    before = ids.copy()
    shown, kinds = member.replace(ids, words, chosen, keys_of(len(rows)), STOCK)
    assert (ids == before).all()  # the caller's array is the targets
    assert ((kinds != UNTOUCHED) == chosen).all()
    assert (shown[~chosen] == ids[~chosen]).all()
    assert (shown[kinds == KEPT] == ids[kinds == KEPT]).all()
    assert (shown[kinds == MASK] == MASK_ID).all()
    drawn = np.isin(kinds, (SIMILAR, RANDOM, FALLBACK))
    assert np.isin(shown[drawn], STOCK.random_ids).all()


@members
@given(rows=layouts, extra=st.integers(0, 9))
def test_a_row_alone_and_with_padding_is_replaced_alike(
    member: Replacement, rows: list[Layout], extra: int
) -> None:
    words, keys = words_of(rows), keys_of(len(rows))
    ids, chosen = fill(words), words >= 0
    together = member.replace(ids, words, chosen, keys, STOCK)
    for i in range(len(rows)):
        wide = words_of([rows[i]], words.shape[1] + extra)
        wide_ids = np.zeros(wide.shape, np.int64)
        wide_ids[0, : words.shape[1]] = ids[i]
        alone = member.replace(wide_ids, wide, wide >= 0, keys[i : i + 1], STOCK)
        assert alone[0][0, : words.shape[1]].tolist() == together[0][i].tolist()
        assert alone[1][0, : words.shape[1]].tolist() == together[1][i].tolist()


@pytest.mark.parametrize("unit", ["token", "word"])
def test_80_10_10(unit: str) -> None:
    words = chinese_like(2000, 512)
    member = BertReplacement.model_validate({"unit": unit})
    ids = fill(words)
    shown, kinds = member.replace(ids, words, words >= 0, keys_of(2000), STOCK)
    first = (words >= 0) & (np.diff(words, axis=1, prepend=-2) != 0) if unit == "word" else words >= 0
    for kind, share in ((MASK, 0.8), (RANDOM, 0.1), (KEPT, 0.1)):
        tolerance = 6 * np.sqrt(share * (1 - share) / first.sum())
        assert abs((kinds[first] == kind).mean() - share) < tolerance
    counts = np.bincount(shown[kinds == RANDOM], minlength=SIZE)[FIRST:]
    assert abs(counts - counts.mean()).max() < 6 * np.sqrt(counts.mean())


def test_a_word_is_one_kind_when_drawn_by_word() -> None:
    words = chinese_like(100, 128)
    kinds = BertReplacement(unit="word").replace(fill(words), words, words >= 0, keys_of(100), STOCK)[1]
    inside = (words[:, 1:] == words[:, :-1]) & (words[:, 1:] >= 0)
    assert (kinds[:, 1:] == kinds[:, :-1])[inside].all()


def spans(words: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Where the words of one row begin and end."""
    edges = np.flatnonzero(np.diff(words, prepend=-2, append=-2))
    return [(int(a), int(b)) for a, b in pairwise(edges) if words[a] >= 0]


def test_similar_and_random_words_are_whole_words_of_equal_length() -> None:
    words = chinese_like(300, 128)
    ids = fill(words)
    shown, kinds = SimilarWord().replace(ids, words, words >= 0, keys_of(300), STOCK)
    seen = set()
    for row in range(300):
        for begin, end in spans(words[row]):
            old, new = tuple(ids[row, begin:end].tolist()), tuple(shown[row, begin:end].tolist())
            (kind,) = set(kinds[row, begin:end].tolist())
            seen.add(kind)
            if kind == SIMILAR:
                assert new in SIMILAR_WORDS[old]
                assert new != old
            elif kind == RANDOM and len(old) <= 2:
                assert new in SIMILAR_WORDS or any(new in others for others in SIMILAR_WORDS.values())
            elif kind == FALLBACK:
                assert old not in SIMILAR_WORDS
    assert seen == {SIMILAR, RANDOM, KEPT, FALLBACK}


def test_similar_random_and_kept_shares_where_all_words_are_known() -> None:
    words = np.tile(np.arange(100, dtype=np.int32), (3000, 1))
    ids = fill(words) // 2 * 2
    kinds = SimilarWord().replace(ids, words, words >= 0, keys_of(3000), STOCK)[1]
    for kind, share in ((SIMILAR, 0.8), (RANDOM, 0.1), (KEPT, 0.1)):
        assert abs((kinds == kind).mean() - share) < 6 * np.sqrt(share * (1 - share) / kinds.size)


@pytest.mark.parametrize("cap", [0.0, 0.1, 1.0])
def test_the_fallback_is_capped_in_every_row(cap: float) -> None:
    words = chinese_like(500, 128)
    ids = fill(words) // 2 * 2 + 1  # nothing is known
    kinds = SimilarWord(fallback=cap).replace(ids, words, words >= 0, keys_of(500), STOCK)[1]
    tokens, fallen = (words >= 0).sum(axis=1), (kinds == FALLBACK).sum(axis=1)
    assert not (kinds == SIMILAR).any()
    assert (fallen < cap * tokens + 1).all()
    assert abs(fallen.sum() / tokens.sum() - min(cap, 0.8)) < 0.01


def test_no_place_is_favoured_by_the_fallback() -> None:
    words = np.tile(np.arange(20, dtype=np.int32), (20_000, 1))
    ids = fill(words) // 2 * 2 + 1
    kinds = SimilarWord().replace(ids, words, words >= 0, keys_of(20_000), STOCK)[1]
    share = (kinds == FALLBACK).mean(axis=0)
    assert abs(share - 0.1).max() < 6 * np.sqrt(0.1 / 20_000)


def test_no_lexicon_is_an_error_that_says_what_to_do() -> None:
    nothing = words_of([[1]])
    with pytest.raises(UsageError, match="needs a lexicon"):
        SimilarWord().replace(fill(nothing), nothing, nothing >= 0, keys_of(1), Stock(4, STOCK.random_ids))


def test_a_lexicon_of_another_vocabulary_is_refused_with_both_digests() -> None:
    vocabulary = Vocabulary("other", SIZE, 0, 1, 2, 3, MASK_ID, (0, 1, 2, 3, 4), (5, 6, 7, 8, 9))
    with pytest.raises(UsageError, match=r"digest.*other"):
        Stock.of(vocabulary, STOCK.lexicon)
    assert Stock.of(vocabulary).random_ids.tolist() == list(range(FIRST, SIZE))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "bert", "mask": 0.9}, "mask 0.9 . random 0.1 . kept 0.1 = 1.1"),
        ({"strategy": "similar_word", "kept": 0.0}, "similar 0.8 . random 0.1 . kept 0 = 0.9"),
        ({"strategy": "bert", "unit": "sentence"}, "'token' or 'word'"),
        ({"strategy": "spam"}, "'mask_only'"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, object], message: str) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Replacement)
    with pytest.raises(ValidationError, match=message):
        adapter.validate_python(settings)


@given(st.sets(st.lists(st.integers(0, 30), min_size=1, max_size=4).map(tuple), min_size=1, max_size=80))
def test_look_ups_agree_with_a_dictionary(spellings: set[tuple[int, ...]]) -> None:
    known = sorted(spellings)[::2]
    pairs = {one: [other for other in known if len(other) == len(one) and other != one] for one in known}
    table = make_table(pairs)
    for spelling in spellings:
        expected = [list(other) for other in pairs.get(spelling, [])]
        assert similar(table, spelling) == expected
