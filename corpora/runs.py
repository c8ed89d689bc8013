"""Runs: cleaned documents on their way to the shards, sorted by key, each run as many as fit in memory.

A run is a few files in the folder of its task. `rows` and `lines` hold a row for every copy of a document, in
the order of the keys: what is known of it, and its line as shards have it. Lines are compressed in blocks, so
that a range of keys is read without the rest. `documents` and `paragraphs` are what repeats are found by.

Files are read plainly, not mapped: what a process holds is what it has asked for.
"""

import bisect
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora import arrow, disk
from corpora.document import Document

ROW = np.dtype([("key", "<u8"), ("number", "<u8"), ("characters", "<u4"), ("copy", "<u2")])
Rows = NDArray[np.void]  # of ROW
NUMBER = np.dtype("<u8")

TASK = "??????"  # the folder of any task
BLOCK_BYTES = 128 << 10  # of lines that are compressed together
LINES = pa.schema([("line", pa.large_binary()), ("where", pa.string())])


@dataclass(frozen=True)
class Run:
    """One run, by its place."""

    work: Path
    task: str
    number: int

    def file(self, name: str, phase: str = "clean") -> Path:
        """A file of it, or of what a later phase found out about it."""
        return file_of(self.work / phase / self.task, self.number, name)

    def rows(self, first: int = 0, last: int | None = None) -> Rows:
        """Its rows, or some of them."""
        return load(self.file("rows"), ROW, first, last)

    def numbers(self) -> NDArray[np.uint64]:
        """The numbers of its documents, in order."""
        rows = self.rows()
        found: NDArray[np.uint64] = np.sort(rows["number"][rows["copy"] == 0])
        return found

    def between(self, least: int, beyond: int) -> tuple[int, int]:
        """The rows with keys from `least` to below `beyond`: the first, and the one behind the last."""
        return between(self.file("rows"), ROW, least, beyond)

    def lines(self, first: int, last: int) -> Iterator[pa.Array]:
        """The lines of those rows, block by block."""
        return (block.column(0) for block in self._blocks(first, last, [0]))

    def document(self, row: int) -> Document:
        """The document of a row."""
        (block,) = self._blocks(row, row + 1, [0, 1])
        line, place = json.loads(block[0][0].as_py()), block[1][0].as_py()
        file, _, number = place.rpartition(":")
        facts = {"source": line["source"], "file": file, "line": number}
        return Document(text=line["text"], id=line["id"], metadata=facts)

    def _blocks(self, first: int, last: int, columns: list[int]) -> Iterator[pa.RecordBatch]:
        if first == last:
            return
        options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=columns)
        with pa.OSFile(str(self.file("lines"))) as file:
            blocks = pa.ipc.open_file(file, options=options)
            each = blocks.get_batch(0).num_rows
            for number in range(first // each, (last - 1) // each + 1):
                begin = number * each
                yield blocks.get_batch(number)[max(0, first - begin) : last - begin]


def runs_of(work: Path, task: str = TASK) -> list[Run]:
    """The runs of a task, or of all, in order."""
    paths = sorted((work / "clean").glob(f"{task}/*.rows"))
    return [Run(work, path.parent.name, int(path.stem)) for path in paths]


def file_of(folder: Path, run: int, name: str) -> Path:
    """A file of a run in the folder of its task."""
    return folder / f"{run:05}.{name}"


def load(path: Path, dtype: np.dtype[Any], first: int = 0, last: int | None = None) -> NDArray[Any]:
    """Records of a file that holds nothing else."""
    count = -1 if last is None else last - first
    return np.fromfile(path, dtype, count=count, offset=first * dtype.itemsize)


def between(path: Path, dtype: np.dtype[Any], least: int, beyond: int) -> tuple[int, int]:
    """Where, in a file sorted by the first field of its records, 8 bytes, the values of that range are."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size // dtype.itemsize

        def value(place: int) -> int:
            return int.from_bytes(os.pread(file.fileno(), 8, place * dtype.itemsize), "little")

        first = bisect.bisect_left(range(size), least, key=value)
        return first, bisect.bisect_left(range(size), beyond, first, key=value)


def save(path: Path, *arrays: NDArray[Any]) -> None:
    """Write arrays one after the other, as they are in memory."""
    with disk.SyncedFile(path) as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).view(np.uint8).data)


def save_lines(path: Path, lines: Sequence[bytes], places: Sequence[str], order: NDArray[np.int64]) -> None:
    """Write the lines that `order` names, and where they are from, compressed in blocks of equally many."""
    each = max(1, BLOCK_BYTES * len(lines) // max(1, sum(map(len, lines))))
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1), use_threads=False)
    with disk.SyncedFile(path) as file, pa.ipc.new_file(file, LINES, options=options) as writer:
        for begin in range(0, len(order), each):
            some = order[begin : begin + each].tolist()
            columns = [arrow.binaries([lines[n] for n in some]), arrow.strings([places[n] for n in some])]
            writer.write_batch(pa.record_batch(columns, schema=LINES))
