"""Words of a row of tokens: numbers that maskers read, and where each word begins and ends."""

import numpy as np
from numpy.typing import NDArray

from tokenization.compiled import compiled


@compiled
def number_words(
    ids: NDArray[np.int64],
    word_starts: NDArray[np.bool_],
    lengths: NDArray[np.int32],
    special: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Number each token's word within its row, from 0; -1 for special tokens and padding. (batch, length).

    `special` (vocab,) says which ids are special. A word with a special token in it, [UNK] say, is -1 as a
    whole: predicting the rest of it would split a word.
    """
    words = np.full(ids.shape, -1, np.int32)
    for row in range(ids.shape[0]):
        word, begin, whole = -1, 0, True
        for position in range(lengths[row]):
            if word_starts[row, position] or position == 0:
                word, begin, whole = word + 1, position, True
            if special[ids[row, position]]:
                words[row, begin:position] = -1
                whole = False
            elif whole:
                words[row, position] = word
    return words


@compiled
def find_words(
    words: NDArray[np.int32], starts: NDArray[np.int32], ends: NDArray[np.int32]
) -> tuple[int, int]:
    """List into `starts` and `ends` (exclusive) where the words of one row lie: (how many, their tokens)."""
    count, tokens, before = 0, 0, -1
    for position in range(words.size):
        word = words[position]
        if word >= 0:
            if word != before:
                starts[count] = position
                count += 1
            ends[count - 1] = position + 1
            tokens += 1
        before = word
    return count, tokens


@compiled
def swap_segments(
    ids: NDArray[np.int64],
    word_starts: NDArray[np.bool_],
    lengths: NDArray[np.int32],
    second: NDArray[np.int32],
    swapped: NDArray[np.bool_],
) -> None:
    """Turn `[CLS] A [SEP] B [SEP]` into `[CLS] B [SEP] A [SEP]` in place, where `swapped` (batch,).

    `second` (batch,) is where segment B begins; it is moved along. The swap is a rotation of all but `[CLS]`,
    so each segment takes the separator behind it with it.
    """
    for row in range(ids.shape[0]):
        if swapped[row]:
            begin, end = second[row], lengths[row]
            old_ids, old_starts = ids[row, 1:end].copy(), word_starts[row, 1:end].copy()
            for place in range(end - 1):
                source = (place + begin - 1) % (end - 1)
                ids[row, 1 + place], word_starts[row, 1 + place] = old_ids[source], old_starts[source]
            second[row] = 1 + end - begin
