"""Spans in the making: an array, and how many of its rows are filled."""

import numpy as np
from numpy.typing import NDArray

from tokenization.compiled import compiled


@compiled
def append(spans: NDArray[np.int64], count: int, begin: int, end: int) -> int:
    """Write [begin, end) behind the first `count` spans; the new count is returned."""
    spans[count, 0] = begin
    spans[count, 1] = end
    return count + 1


@compiled
def append_each(spans: NDArray[np.int64], count: int, begin: int, end: int) -> int:
    """Write each character of [begin, end) as a span of its own."""
    for at in range(begin, end):
        count = append(spans, count, at, at + 1)
    return count
