"""The token set: packed rows of token ids with a bit for each token that starts a word.

Arrow IPC *stream* files, `train-00000.arrow` and so on: the one form that `datasets.Dataset.from_file` opens.
Columns of a row:

    input_ids        large_list<uint16 | uint32>   the narrowest type that fits; specials in place
    word_starts      large_list<uint8>             1 where a word starts; a special token is a word of its own
    second           uint32                        position of segment B's first token, 0: no segment B
    document         uint32                        number of the row's first document within its split
    document_starts  large_list<uint32>            where that document and the next ones start here
    unknown          large_list<string>            what each [UNK] of the text was, the first characters of it
    second_document  uint32                        number of segment B's document; this column: for NSP alone

A segment B of another document starts none of the next ones. Word starts are bytes, since Arrow's one-bit
booleans cannot be viewed by NumPy without a copy.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora import arrow
from corpora.arrow import ArrowThing
from corpora.artefact import Artefact
from corpora.errors import UsageError
from tokenization import gathering
from tokenization.rows import Columns, Row
from tokenization.vocabulary import Vocabulary

__all__ = ["Columns", "Row", "Rows", "TokenSet", "TokenWriter", "splits"]

BLOCK_TOKENS = 1 << 20  # of a record batch, reached by all but the last: bounds what a writer holds in memory


@dataclass(frozen=True)
class Rows:
    """A batch of rows, right-padded with the pad id to the longest of them."""

    ids: NDArray[np.int64]  # (batch, length)
    word_starts: NDArray[np.bool_]  # (batch, length), False on pads
    lengths: NDArray[np.int32]  # (batch,) real tokens
    second: NDArray[np.int32]  # (batch,) first position of segment B, 0: none
    documents: NDArray[np.int64]  # (batch,) number of the first document
    second_documents: NDArray[np.int64] | None  # (batch,) number of segment B's; None: not a set for NSP


class TokenWriter:
    """Writes rows into a stream; a context manager. An id too large for its column is an error."""

    def __init__(self, stream: BinaryIO, vocabulary_size: int, next_sentences: bool = False) -> None:
        """Begin the stream; the size decides the width of an id, `next_sentences` on `second_document`."""
        self._schema = _schema(vocabulary_size, next_sentences)
        self._stream = pa.ipc.new_stream(stream, self._schema)
        self._held, self._tokens = list[Columns](), 0

    def write(self, rows: Columns) -> None:
        """Append rows."""
        self._held.append(rows)
        self._tokens += len(rows.ids)
        if self._tokens >= BLOCK_TOKENS:
            self._flush()

    def _flush(self) -> None:
        self._stream.write_batch(_batch(self._held, self._schema))
        self._held, self._tokens = [], 0

    def __enter__(self) -> "TokenWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the stream; rows still held are written unless an error ends it."""
        if error is None and self._held:
            self._flush()
        self._stream.close()


class TokenSet:
    """One split of a token set, memory-mapped: opening reads no tokens, and rows are gathered by number."""

    def __init__(self, files: Sequence[Path], vocabulary: Vocabulary, tokenizer: Path, length: int) -> None:
        """Map `files`, in this order. `open` finds them in an artefact."""
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer  # a folder that AutoTokenizer opens
        self.length = length  # tokens of the longest row allowed
        self._blocks = [_Block(batch) for file in files for batch in _batches(file)]
        sizes = [len(block.second) for block in self._blocks]
        self._ends = np.cumsum(sizes, dtype=np.int64)  # rows up to and including each block
        self._firsts = self._ends - np.array(sizes, np.int64)
        self._table = np.array([block.addresses() for block in self._blocks], np.int64).reshape(-1, 6)
        self._wide = any(block.ids.dtype == np.uint32 for block in self._blocks)
        self.next_sentences = any(block.pairs for block in self._blocks)  # some segments B are of others

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

    def rows(self, indices: NDArray[np.int64], multiple: int = 1) -> Rows:
        """Gather rows by number, in the order asked.

        The batch is as long as its longest row, rounded up to a multiple, but to no more than `length`.

        Raises:
            IndexError: a number is not in [0, len(self)).
        """
        blocks, begins, rows = self._locate(indices)
        longest = int(rows.lengths.max(initial=0))
        width = max(longest, min(-(-longest // multiple) * multiple, self.length))
        ids, starts = np.empty((len(indices), width), np.int64), np.empty((len(indices), width), np.bool_)
        gathering.copy(self._table, blocks, begins, rows.lengths, self._wide, self.pad_id, ids, starts)
        return replace(rows, ids=ids, word_starts=starts)

    def lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int32]:
        """Tokens of rows, by number.

        Raises:
            IndexError: a number is not in [0, len(self)).
        """
        return self._locate(indices)[2].lengths

    def _locate(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Rows]:
        """Blocks of rows, where they begin there, and what is known of them before any token is read."""
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"rows {indices.min()} to {indices.max()} of a token set with {len(self)}")
        blocks, batch = np.searchsorted(self._ends, indices, side="right"), len(indices)
        begins, lengths = np.empty(batch, np.int64), np.empty(batch, np.int32)
        second, documents = np.empty(batch, np.int32), np.empty((2, batch), np.int64)
        local = indices - self._firsts[blocks]
        gathering.locate(self._table, blocks, local, begins, lengths, second, documents)
        nothing = np.empty((batch, 0), np.int64)
        others = documents[1] if self.next_sentences else None
        return blocks, begins, Rows(nothing, nothing.astype(np.bool_), lengths, second, documents[0], others)

    def row(self, number: int) -> Row:
        """All there is to say of one row.

        Raises:
            IndexError: `number` is not in [0, len(self)).
        """
        if not 0 <= number < len(self):
            raise IndexError(f"row {number} of a token set with {len(self)}")
        block = int(np.searchsorted(self._ends, number, side="right"))
        return self._blocks[block].row(number - int(self._firsts[block]))


def splits(artefact: Artefact) -> dict[str, list[str]]:
    """Names of the Arrow files of each split that has rows, both in order."""
    found: dict[str, list[str]] = {}
    for name in artefact.names():
        if match := re.fullmatch(r"(\w+)-\d+\.arrow", name):
            found.setdefault(match[1], []).append(name)
    return found


def _batches(file: Path) -> Iterator[ArrowThing]:
    """The record batches of a mapped file."""
    stream = pa.ipc.open_stream(pa.memory_map(str(file)))
    if "word_starts" not in stream.schema.names:
        raise UsageError(
            f"{file} has no column 'word_starts' (it has: {', '.join(stream.schema.names)}): where its words "
            "are is not known; encode the text again, with a segmenter"
        )
    yield from stream


class _Block:
    """One record batch as NumPy views of the mapped file: nothing is copied."""

    def __init__(self, batch: ArrowThing) -> None:
        tokens, starts = batch.column("input_ids"), batch.column("word_starts")
        self.ids = _view(tokens.values)
        self.offsets = _view(tokens.offsets)  # 64 bits; those of word_starts are equal
        self.word_starts = _view(starts.values)
        self.second = _view(batch.column("second"))
        self.document = _view(batch.column("document"))
        self.pairs = "second_document" in batch.schema.names
        self.second_document = _view(batch.column("second_document")) if self.pairs else self.document
        self._batch = batch

    def addresses(self) -> list[int]:
        """Where its columns lie in memory, in the order of `tokenization.gathering`."""
        columns = self.ids, self.word_starts, self.offsets, self.second, self.document, self.second_document
        return [column.ctypes.data for column in columns]

    def row(self, number: int) -> Row:
        """One row."""
        values = self._batch.slice(number, 1).to_pylist()[0]
        return Row(ids=values.pop("input_ids"), **values)


def _view(array: ArrowThing) -> NDArray[Any]:
    return np.asarray(array.to_numpy(zero_copy_only=True))


def _schema(vocabulary_size: int, next_sentences: bool) -> ArrowThing:
    ids = pa.uint16() if vocabulary_size <= 1 << 16 else pa.uint32()
    fields = [
        ("input_ids", pa.large_list(ids)),
        ("word_starts", pa.large_list(pa.uint8())),
        ("second", pa.uint32()),
        ("document", pa.uint32()),
        ("document_starts", pa.large_list(pa.uint32())),
        ("unknown", pa.large_list(pa.string())),
    ]
    return pa.schema([*fields, ("second_document", pa.uint32())] if next_sentences else fields)


def _batch(parts: Sequence[Columns], schema: ArrowThing) -> ArrowThing:
    """A record batch of the rows of `parts`; their lists are not taken apart."""

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    def ends(name: str) -> NDArray[np.int64]:
        lengths = [np.diff(getattr(part, name), prepend=0) for part in parts]
        return np.cumsum(np.concatenate(lengths))

    ids, kind = joined("ids"), schema.field("input_ids").type.value_type.to_pandas_dtype()
    if ids.max(initial=0) > np.iinfo(kind).max:
        raise OverflowError(f"id {ids.max()} does not fit into {kind.__name__}")
    columns = [
        arrow.lists(arrow.numbers(ids.astype(kind)), ends("ends")),
        arrow.lists(arrow.numbers(joined("word_starts")), ends("ends")),
        arrow.numbers(joined("second")),
        arrow.numbers(joined("document")),
        arrow.lists(arrow.numbers(joined("document_starts")), ends("document_starts_ends")),
        arrow.lists(arrow.strings([text for part in parts for text in part.unknown]), ends("unknown_ends")),
    ]
    if "second_document" in schema.names:
        columns.append(arrow.numbers(joined("second_document")))
    return pa.record_batch(columns, schema=schema)
