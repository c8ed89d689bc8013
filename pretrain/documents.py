"""Which documents stand in a row of a token set, and where they are in the shards that it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.artefact import Artefact
from corpora.document import Document
from corpora.lines import open_bytes
from corpora.shards import read_shard, shard_files
from tokenization.tokens import splits

SPLIT = "train"
CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Place:
    """Where a row is: its file, and the numbers, within the split, of the documents with a token in it."""

    part: str  # name of the file without its ending; the shard file has the same
    documents: tuple[int, ...]

    def names(self) -> list[str]:
        """The documents as a person may look them up: by file and number."""
        return [f"{self.part}: document {number:,}" for number in self.documents]


def places(tokens: Artefact, rows: NDArray[np.int64]) -> list[Place]:
    """The place of each of some training rows, by their numbers."""
    wanted, found = np.unique(rows), dict[int, Place]()
    first = 0
    for name in splits(tokens)[SPLIT]:
        for batch in pa.ipc.open_stream(pa.memory_map(str(tokens.file(name)))):
            begin, end = np.searchsorted(wanted, [first, first + batch.num_rows])
            for row in wanted[begin:end].tolist():
                (columns,) = batch.slice(row - first, 1).to_pylist()
                found[row] = Place(name.partition(".")[0], _documents(columns))
            first += batch.num_rows
    return [found[row] for row in rows.tolist()]


def _documents(row: Mapping[str, Any]) -> tuple[int, ...]:
    """The documents that have a token in a row; those without any start where the next one does."""
    bounds = pairwise([*row["document_starts"], len(row["input_ids"])])
    found = [number for number, (begin, end) in enumerate(bounds, row["document"]) if end > begin]
    return tuple(dict.fromkeys([*found, row.get("second_document", found[0])]))


def names(tokens: Artefact, rows: NDArray[np.int64]) -> dict[str, list[str]]:
    """Row -> its documents, by file and number: what a line of the log can hold."""
    return {str(row): place.names() for row, place in zip(rows.tolist(), places(tokens, rows), strict=True)}


def look_up(shards: Artefact, places: Sequence[Place]) -> Mapping[int, Document]:
    """The documents of some rows, by number; of the shards before them, lines are counted."""
    wanted = {place.part: set[int]() for place in places}
    for place in places:
        wanted[place.part].update(place.documents)
    found, first = dict[int, Document](), 0
    for name in shard_files(shards, SPLIT):
        if not wanted:
            break
        numbers = wanted.pop(name.partition(".")[0], set())
        last = max(numbers, default=-1) - first + 1
        for number, document in enumerate(islice(read_shard(shards, name), max(last, 0)), first):
            if number in numbers:
                found[number] = document
        first += _count(shards, name) if wanted else 0
    return found


def _count(shards: Artefact, name: str) -> int:
    """Documents of a shard file: its lines."""
    with open_bytes(shards.file(name)) as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(CHUNK), b""))
