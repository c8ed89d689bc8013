"""Shard files: zstd JSON lines `{"id", "text", "source"}`, as `datasets` and datatrove open them."""

import json
from collections.abc import Iterator

import zstandard

from corpora.artefact import Artefact, Draft
from corpora.document import Document
from corpora.errors import UsageError
from corpora.lines import lines

SPLITS = ("train", "validation")
UNBOUNDED = -1  # our own lines are as long as a document is


class ShardWriter:
    """Writes the documents of one split to files of about `file_characters` each, the last one shorter.

    A file is one part of the draft. Those finished before a kill are not written again: the documents come in
    the same order, so they hold the same.
    """

    def __init__(self, out: Draft, split: str, file_characters: int) -> None:
        """Begin with the first file."""
        self._out, self._split, self._file_characters = out, split, file_characters
        self._rows, self._characters, self.files = list[bytes](), 0, 0

    def add(self, document: Document) -> None:
        """Append a document; a file is written once it has its characters."""
        row = {"id": document.id, "text": document.text, "source": document.metadata["source"]}
        self._rows.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._characters += len(document.text)
        if self._characters >= self._file_characters:
            self.close()

    def close(self) -> None:
        """Write what is left, if anything is."""
        if not self._rows:
            return
        part = f"{self._split}-{self.files:05}.jsonl.zst"
        if not self._out.has(part):
            with self._out.write(part) as file:
                file.write(zstandard.ZstdCompressor(write_checksum=True).compress(b"".join(self._rows)))
        self.files += 1
        self._rows, self._characters = [], 0


def shard_files(artefact: Artefact, split: str = "train") -> list[str]:
    """Names of a split's files, in order; none where the split is empty.

    Raises:
        UsageError: there is no such split.
    """
    if split not in SPLITS:
        raise UsageError(f"shards have no split {split!r}; they have {' and '.join(SPLITS)}")
    return sorted(artefact.names(f"{split}-"), key=lambda name: (len(name), name))


def read_shard(artefact: Artefact, name: str) -> Iterator[Document]:
    """Yield the documents of one shard file, verified first."""
    for line, text in lines(artefact.file(name), UNBOUNDED):
        row = json.loads(text)
        facts = {"source": row["source"], "file": name, "line": line}
        yield Document(text=row["text"], id=row["id"], metadata=facts)


def read_shards(artefact: Artefact, split: str = "train") -> Iterator[Document]:
    """Yield the documents of a split, in the order in which they were read from the sources."""
    for name in shard_files(artefact, split):
        yield from read_shard(artefact, name)
