"""Arrow arrays around NumPy's memory.

`pyarrow.array` would do, but asks pandas about whatever it is given, whose import takes a second.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

ArrowThing: TypeAlias = Any  # pyarrow has no types


def numbers(values: NDArray[Any]) -> ArrowThing:
    """An array of the same type; nothing is copied."""
    buffer = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, buffer])


def lists(values: ArrowThing, ends: NDArray[np.int64]) -> ArrowThing:
    """Large lists that lie end to end in `values`, each up to one of `ends`."""
    kind, buffer = pa.large_list(values.type), pa.py_buffer(starts(ends))
    return pa.Array.from_buffers(kind, len(ends), [None, buffer], children=[values])


def texts(encoded: bytes, ends: NDArray[np.int64]) -> ArrowThing:
    """Strings that lie end to end in UTF-8, each up to one of `ends` bytes; two gigabytes at most."""
    buffers = [None, pa.py_buffer(starts(ends).astype(np.int32)), pa.py_buffer(encoded)]
    return pa.Array.from_buffers(pa.string(), len(ends), buffers)


def binaries(values: Sequence[bytes]) -> ArrowThing:
    """Bytes of Python's, of any total size."""
    ends = np.cumsum(np.array([len(value) for value in values], np.int64))
    buffers = [None, pa.py_buffer(starts(ends)), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


def strings(values: Sequence[str]) -> ArrowThing:
    """Strings of Python's."""
    encoded = [value.encode() for value in values]
    return texts(b"".join(encoded), np.cumsum(np.array([len(value) for value in encoded], np.int64)))


def starts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each begins, and where the last ends: what Arrow calls offsets."""
    return np.concatenate([np.zeros(1, np.int64), ends])
