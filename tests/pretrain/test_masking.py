from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from pretrain.masking import Masking, NgramMasking, TokenMasking, WholeWordMasking
from pretrain.randomness import key
from tests.pretrain.layouts import Layout, chinese_like, layouts, words_of

MEMBERS = get_args(get_args(Masking)[0])
KEEPS_WORDS = [WholeWordMasking, NgramMasking]
members = pytest.mark.parametrize("member", MEMBERS)
budgets = st.floats(0.05, 0.9)


def keys_of(rows: int, epoch: int = 0) -> NDArray[np.uint64]:
    return key(0, "masking", epoch, np.arange(rows))


@members
@given(rows=layouts, budget=budgets)
def test_budget_is_met_in_every_row_and_specials_never_chosen(
    member: type[TokenMasking], rows: list[Layout], budget: float
) -> None:
    words = words_of(rows)
    chosen = member(budget=budget).choose(words, keys_of(len(rows)))
    assert not chosen[words < 0].any()
    for row, layout in zip(chosen, rows, strict=True):
        wanted = budget * sum(layout)
        largest = 1 if member is TokenMasking else max(layout)
        if sum(layout):
            assert 1 <= row.sum() < max(wanted, 1) + 1 or row.sum() == min(size for size in layout if size)
            assert row.sum() > wanted - largest


@pytest.mark.parametrize("member", KEEPS_WORDS)
@given(rows=layouts, budget=budgets)
def test_no_word_is_split(member: type[NgramMasking], rows: list[Layout], budget: float) -> None:
    words = words_of(rows)
    chosen = member(budget=budget).choose(words, keys_of(len(rows)))
    for numbers, row in zip(words, chosen, strict=True):
        for word in set(numbers[numbers >= 0].tolist()):
            assert len(set(row[numbers == word].tolist())) == 1


@members
@given(rows=layouts, extra=st.integers(0, 9))
def test_a_row_alone_and_with_padding_is_masked_alike(
    member: type[TokenMasking], rows: list[Layout], extra: int
) -> None:
    words, keys = words_of(rows), keys_of(len(rows))
    together = member().choose(words, keys)
    for i in range(len(rows)):
        alone = np.pad(words[i : i + 1], ((0, 0), (0, extra)), constant_values=-1)
        again = member().choose(alone, keys[i : i + 1])
        assert again[0, : words.shape[1]].tolist() == together[i].tolist()


@members
def test_every_epoch_has_other_masks(member: type[TokenMasking]) -> None:
    words = chinese_like(50, 128)
    first, second = (member().choose(words, keys_of(50, epoch)) for epoch in (0, 1))
    assert (first != second).any(axis=1).all()


@members
@pytest.mark.parametrize("length", [32, 128, 512])
def test_mean_rate_over_a_million_tokens(member: type[TokenMasking], length: int) -> None:
    words = chinese_like(10**6 // length, length)
    chosen = member().choose(words, keys_of(len(words)))
    assert abs(chosen.sum() / (words >= 0).sum() - 0.15) < 0.001
    rows = chosen.sum(axis=1) - 0.15 * (words >= 0).sum(axis=1)
    assert abs(rows).max() < (1 if member is TokenMasking else 4)


@pytest.mark.parametrize(("member", "rate"), [(TokenMasking, 0.15), (WholeWordMasking, 0.3)])
def test_places_are_equally_likely(member: type[TokenMasking], rate: float) -> None:
    words = np.tile(np.arange(20, dtype=np.int32), (50_000, 1))
    share = member(budget=rate).choose(words, keys_of(50_000)).mean(axis=0)
    assert abs(share - rate).max() < 6 * np.sqrt(rate / 50_000)


def test_ngram_lengths_follow_their_distribution() -> None:
    nominal = np.array([0.4, 0.3, 0.2, 0.1])
    words = chinese_like(2000, 512)
    grams = NgramMasking(lengths=tuple(nominal.tolist())).grams(words, keys_of(2000))
    lengths = np.array(
        [
            [len(np.unique(row[marks == gram])) for gram in range(1, marks.max() + 1)][:12]
            for row, marks in zip(words, grams, strict=True)
        ]
    )
    early = np.bincount(lengths[:, :5].ravel(), minlength=5)[1:] / lengths[:, :5].size
    assert abs(early - nominal).max() < 6 * np.sqrt(0.25 / lengths[:, :5].size)  # before the budget cuts any


def test_realised_ngram_lengths_are_as_documented() -> None:
    words = chinese_like(2000, 512)
    grams = NgramMasking().grams(words, keys_of(2000))
    of_words = np.where(np.diff(words, axis=1, prepend=-2) != 0, grams, 0)  # one mark a word
    pairs = np.unique(np.stack([np.nonzero(of_words)[0], of_words[of_words > 0]]), axis=1, return_counts=True)
    shares = np.bincount(pairs[1], minlength=5)[1:] / len(pairs[1])
    assert abs(shares - (0.43, 0.29, 0.19, 0.09)).max() < 0.01


def test_grams_are_neighbours_and_cross_no_special_token() -> None:
    words = chinese_like(500, 64)
    grams = NgramMasking(budget=0.5, lengths=(0.1, 0.1, 0.1, 0.7)).grams(words, keys_of(500))
    for marks in grams:
        for gram in range(1, marks.max() + 1):
            places = np.flatnonzero(marks == gram)
            assert places.tolist() == list(range(places[0], places[-1] + 1))


def test_a_row_whose_only_word_exceeds_the_budget_gives_it() -> None:
    chosen = NgramMasking(budget=0.1).choose(words_of([[0, 5, 0]]), keys_of(1))
    assert chosen.tolist() == [[False, True, True, True, True, True, False]]


def test_rows_without_words_are_left_alone() -> None:
    assert not WholeWordMasking().choose(words_of([[0, 0], [0]], length=4), keys_of(2)).any()


def test_a_bare_word_names_a_strategy() -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Masking)
    assert adapter.validate_python("whole_word") == WholeWordMasking()
    assert adapter.validate_python({"strategy": "ngram", "lengths": [1, 1]}) == NgramMasking(lengths=(1, 1))


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "token", "budget": 1.5},
        {"strategy": "ngram", "lengths": []},
        {"strategy": "ngram", "lengths": [0.5, -0.1]},
        {"strategy": "ngram", "lengths": [0, 0]},
        {"strategy": "spam"},
    ],
)
def test_nonsense_is_refused(settings: dict[str, object]) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Masking)
    with pytest.raises(ValidationError):
        adapter.validate_python(settings)
