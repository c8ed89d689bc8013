"""The token set: packed rows of token ids with a bit for each token that starts a word.

Arrow IPC *stream* files, `train-00000.arrow` and so on: the one form that `datasets.Dataset.from_file` opens.
Columns of a row:

    input_ids        large_list<uint16 | uint32>   the narrowest type that fits; specials in place
    word_starts      large_list<uint8>             1 where a word starts; a special token is a word of its own
    second           uint32                        position of segment B's first token, 0: no segment B
    document         uint32                        number of the row's first document within its split
    document_starts  large_list<uint32>            where that document and the next ones start here

Word starts are bytes, since Arrow's one-bit booleans cannot be viewed by NumPy without a copy.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora.artefact import Artefact
from corpora.errors import UsageError
from tokenization.vocabulary import Vocabulary

ArrowThing: TypeAlias = Any  # pyarrow has no types
BLOCK_TOKENS = 1 << 20  # tokens a record batch: bounds what a writer holds in memory


@dataclass(frozen=True)
class Row:
    """One packed sequence, as the columns above."""

    ids: Sequence[int]
    word_starts: Sequence[int]
    second: int = 0
    document: int = 0
    document_starts: Sequence[int] = (0,)


@dataclass(frozen=True)
class Rows:
    """A batch of rows, right-padded with the pad id to the longest of them."""

    ids: NDArray[np.int64]  # (batch, length)
    word_starts: NDArray[np.bool_]  # (batch, length), False on pads
    lengths: NDArray[np.int32]  # (batch,) real tokens
    second: NDArray[np.int32]  # (batch,) first position of segment B, 0: none
    documents: NDArray[np.int64]  # (batch,) number of the first document


class TokenWriter:
    """Writes rows into a stream; a context manager. An id too large for its column is an error."""

    def __init__(self, stream: BinaryIO, vocabulary_size: int) -> None:
        """Begin the stream; `vocabulary_size` decides the width of an id."""
        self._schema = _schema(vocabulary_size)
        self._stream = pa.ipc.new_stream(stream, self._schema)
        self._rows: list[Row] = []
        self._tokens = 0

    def write(self, row: Row) -> None:
        """Append one row."""
        self._rows.append(row)
        self._tokens += len(row.ids)
        if self._tokens >= BLOCK_TOKENS:
            self._flush()

    def _flush(self) -> None:
        columns = [
            [row.ids for row in self._rows],
            [row.word_starts for row in self._rows],
            [row.second for row in self._rows],
            [row.document for row in self._rows],
            [row.document_starts for row in self._rows],
        ]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))
        self._rows, self._tokens = [], 0

    def __enter__(self) -> "TokenWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the stream; rows still held are written unless an error ends it."""
        if error is None and self._rows:
            self._flush()
        self._stream.close()


class TokenSet:
    """One split of a token set, memory-mapped: opening reads no tokens, and rows are gathered by number."""

    def __init__(self, files: Sequence[Path], vocabulary: Vocabulary, tokenizer: Path, length: int) -> None:
        """Map `files`, in this order. `open` finds them in an artefact."""
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer  # a folder that AutoTokenizer opens
        self.length = length  # tokens of the longest row allowed
        self._blocks = [
            _Block(batch) for file in files for batch in pa.ipc.open_stream(pa.memory_map(str(file)))
        ]
        sizes = [len(block.second) for block in self._blocks]
        self._ends = np.cumsum(sizes, dtype=np.int64)  # rows up to and including each block
        self._firsts = self._ends - np.array(sizes, np.int64)

    @classmethod
    def open(cls, artefact: Artefact, split: str = "train") -> "TokenSet":
        """Open the rows of `split`.

        Raises:
            UsageError: the token set has no such split.
            CorruptArtefact: a file was changed since it was written.
        """
        files = splits(artefact)
        if split not in files:
            raise UsageError(
                f"{artefact.path} has no rows of {split!r} (it has: {', '.join(files)}); "
                "keep some text for it in the stage that makes the shards"
            )
        vocabulary = Vocabulary.read(artefact.file("vocabulary.json"))
        length = artefact.facts["length"]
        return cls(
            [artefact.file(name) for name in files[split]],
            vocabulary,
            artefact.folder("tokenizer"),
            int(str(length)),
        )

    def __len__(self) -> int:
        """Rows."""
        return int(self._ends[-1]) if len(self._ends) else 0

    @property
    def pad_id(self) -> int:
        """Id that fills short rows."""
        return self.vocabulary.pad_id

    @property
    def special_ids(self) -> tuple[int, ...]:
        """Ids that are never masked, ascending."""
        return self.vocabulary.special_ids

    @property
    def vocabulary_size(self) -> int:
        """Rows that the embedding needs."""
        return self.vocabulary.size

    def rows(self, indices: NDArray[np.int64]) -> Rows:
        """Gather rows by number, in the order asked. The batch is as long as its longest row.

        Raises:
            IndexError: a number is not in [0, len(self)).
        """
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"rows {indices.min()} to {indices.max()} of a token set with {len(self)}")
        ids = np.full((len(indices), self.length), self.pad_id, np.int64)
        starts = np.zeros((len(indices), self.length), np.bool_)
        lengths, second = np.zeros(len(indices), np.int32), np.zeros(len(indices), np.int32)
        documents = np.zeros(len(indices), np.int64)
        numbers = np.searchsorted(self._ends, indices, side="right")
        for number in np.unique(numbers):
            block, where = self._blocks[number], np.flatnonzero(numbers == number)
            local = indices[where] - self._firsts[number]
            lengths[where], second[where], documents[where] = (
                block.lengths(local),
                block.second[local],
                block.document[local],
            )
            for place, row in zip(where.tolist(), local.tolist(), strict=True):
                begin, end = block.offsets[row : row + 2].tolist()
                ids[place, : end - begin] = block.ids[begin:end]
                starts[place, : end - begin] = block.word_starts[begin:end]
        longest = lengths.max(initial=0)
        return Rows(ids[:, :longest], starts[:, :longest], lengths, second, documents)


def splits(artefact: Artefact) -> dict[str, list[str]]:
    """Names of the Arrow files of each split that has rows, both in order."""
    found: dict[str, list[str]] = {}
    for name in artefact.names():
        if match := re.fullmatch(r"(\w+)-\d+\.arrow", name):
            found.setdefault(match[1], []).append(name)
    return found


class _Block:
    """One record batch as NumPy views of the mapped file: nothing is copied."""

    def __init__(self, batch: ArrowThing) -> None:
        tokens, starts = batch.column("input_ids"), batch.column("word_starts")
        self.ids = _view(tokens.values)
        self.offsets = _view(tokens.offsets)  # 64 bits; those of word_starts are equal
        self.word_starts = _view(starts.values)
        self.second = _view(batch.column("second"))
        self.document = _view(batch.column("document"))

    def lengths(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tokens of each row."""
        return np.asarray(self.offsets[rows + 1] - self.offsets[rows])


def _view(array: ArrowThing) -> NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=True))


def _schema(vocabulary_size: int) -> ArrowThing:
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    return pa.schema(
        [
            ("input_ids", pa.large_list(ids)),
            ("word_starts", pa.large_list(pa.uint8())),
            ("second", pa.uint32()),
            ("document", pa.uint32()),
            ("document_starts", pa.large_list(pa.uint32())),
        ]
    )
