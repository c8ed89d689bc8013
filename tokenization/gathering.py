"""Rows of a token set gathered by compiled code, straight from the mapped files.

A large corpus is cut into thousands of record batches, and the rows of a shuffled batch lie in nearly as
many of them as there are rows. So the addresses of all columns stand in one table, and finding a row takes
no step of the interpreter. The table's owner keeps the files mapped, and asks for rows that exist.
"""

import ctypes
from typing import Any

import numpy as np
from numba import carray, config
from numba.core import cgutils, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from corpora.compiled import compiled

IDS, STARTS, OFFSETS, SECOND, DOCUMENT, SECOND_DOCUMENT, OPENINGS, OPENING_OFFSETS = range(8)
"""Columns of a table of addresses."""


@intrinsic
def _to_pointer(context: Any, address: Any) -> Any:  # noqa: ANN401 - numba's own objects
    """The address as a pointer."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(address), build


def _interpreted(address: int) -> ctypes.c_void_p:
    """The same for code that is stepped through, without a compiler."""
    return ctypes.c_void_p(int(address))


_pointer = _interpreted if config.DISABLE_JIT else _to_pointer


@compiled
def locate(
    table: NDArray[np.int64],
    blocks: NDArray[np.int64],
    rows: NDArray[np.int64],
    begins: NDArray[np.int64],
    lengths: NDArray[np.int32],
    second: NDArray[np.int32],
    documents: NDArray[np.int64],
) -> None:
    """Find where rows (batch,), numbered within their blocks, begin, and what is known of each.

    `documents` (2, batch) are those of the first segments and of the second.
    """
    for i in range(rows.size):
        columns, row = table[blocks[i]], rows[i]
        offsets = carray(_pointer(columns[OFFSETS] + 8 * row), 2, np.int64)
        begins[i], lengths[i] = offsets[0], offsets[1] - offsets[0]
        second[i] = carray(_pointer(columns[SECOND] + 4 * row), 1, np.uint32)[0]
        documents[0, i] = carray(_pointer(columns[DOCUMENT] + 4 * row), 1, np.uint32)[0]
        documents[1, i] = carray(_pointer(columns[SECOND_DOCUMENT] + 4 * row), 1, np.uint32)[0]


@compiled
def number(
    table: NDArray[np.int64],
    blocks: NDArray[np.int64],
    rows: NDArray[np.int64],
    lengths: NDArray[np.int32],
    positions: NDArray[np.int32],
) -> None:
    """Fill `positions` (batch, length): each token's place in what its row holds of its document."""
    for i in range(rows.size):
        columns, row = table[blocks[i]], rows[i]
        offsets = carray(_pointer(columns[OPENING_OFFSETS] + 8 * row), 2, np.int64)
        count = offsets[1] - offsets[0]
        openings = carray(_pointer(columns[OPENINGS] + 4 * offsets[0]), count, np.uint32)
        positions[i, lengths[i] :] = 0
        for each in range(count):
            begin = np.int64(openings[each])
            end = np.int64(openings[each + 1]) if each + 1 < count else np.int64(lengths[i])
            for k in range(begin, end):
                positions[i, k] = k - begin


@compiled
def copy(
    table: NDArray[np.int64],
    blocks: NDArray[np.int64],
    begins: NDArray[np.int64],
    lengths: NDArray[np.int32],
    wide: bool,
    pad_id: int,
    ids: NDArray[np.int64],
    word_starts: NDArray[np.bool_],
) -> None:
    """Fill `ids` and `word_starts` (batch, length) with rows, padded right; `wide` ids take 4 bytes."""
    for i in range(blocks.size):
        columns, begin, length = table[blocks[i]], begins[i], lengths[i]
        starts = carray(_pointer(columns[STARTS] + begin), length, np.uint8)
        if wide:
            four = carray(_pointer(columns[IDS] + 4 * begin), length, np.uint32)
            for k in range(length):
                ids[i, k], word_starts[i, k] = four[k], starts[k] != 0
        else:
            two = carray(_pointer(columns[IDS] + 2 * begin), length, np.uint16)
            for k in range(length):
                ids[i, k], word_starts[i, k] = two[k], starts[k] != 0
        ids[i, length:], word_starts[i, length:] = pad_id, False
