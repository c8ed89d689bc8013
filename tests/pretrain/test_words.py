import numpy as np
from hypothesis import given

from pretrain.words import find_words, number_words, swap_segments
from tests.pretrain.layouts import Layout, layouts, words_of

SPECIAL = np.array([True, True, False, False, False, False])  # ids 0 and 1


def number(ids: list[int], starts: list[int], length: int | None = None) -> list[int]:
    numbers = number_words(
        np.array([ids], np.int64),
        np.array([starts], np.bool_),
        np.array([len(ids) if length is None else length], np.int32),
        SPECIAL,
    )
    return [int(word) for word in numbers[0]]


def test_words_are_numbered_and_specials_are_none() -> None:
    assert number([0, 2, 3, 3, 1, 4, 0], [1, 1, 1, 0, 1, 1, 1]) == [-1, 1, 2, 2, -1, 4, -1]


def test_padding_is_no_word() -> None:
    assert number([0, 2, 3, 5, 5], [1, 1, 0, 0, 0], length=3) == [-1, 1, 1, -1, -1]


def test_a_word_with_a_special_token_in_it_is_no_word() -> None:
    assert number([2, 3, 1, 4, 5], [1, 1, 0, 0, 1]) == [0, -1, -1, -1, 2]


def test_a_row_that_begins_inside_a_word() -> None:
    assert number([2, 3, 4], [0, 0, 1]) == [0, 0, 1]


@given(layouts)
def test_found_words_are_those_laid_out(rows: list[Layout]) -> None:
    for row, words in zip(rows, words_of(rows), strict=True):
        starts, ends = np.empty(len(words), np.int32), np.empty(len(words), np.int32)
        count, tokens = find_words(words, starts, ends)
        assert (ends - starts)[:count].tolist() == [size for size in row if size]
        assert tokens == sum(row)


def test_swapping_moves_each_segment_with_its_separator() -> None:
    ids = np.array([[0, 2, 3, 1, 4, 1, 9, 9]] * 2)  # [CLS] 2 3 [SEP] 4 [SEP] and padding
    starts = np.array([[1, 1, 0, 1, 1, 1, 0, 0]] * 2, np.bool_)
    second, lengths = np.array([4, 4], np.int32), np.array([6, 6], np.int32)
    swap_segments(ids, starts, lengths, second, np.array([True, False]))
    assert ids.tolist() == [[0, 4, 1, 2, 3, 1, 9, 9], [0, 2, 3, 1, 4, 1, 9, 9]]
    assert starts[0].astype(int).tolist() == [1, 1, 1, 1, 0, 1, 0, 0]
    assert second.tolist() == [3, 4]
