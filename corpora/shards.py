"""Shard files: zstd JSON lines `{"id", "text", "source"}`, as `datasets` and datatrove open them."""

import json
from collections.abc import Iterator
from json.encoder import encode_basestring

from corpora.artefact import Artefact
from corpora.document import Document
from corpora.errors import UsageError
from corpora.lines import lines
from corpora.shuffling import SPLITS

__all__ = ["SPLITS", "line_of", "read_shard", "read_shards", "shard_files"]

UNBOUNDED = -1  # our own lines are as long as a document is


def line_of(identity: str, text: str, source: str) -> bytes:
    """The line of a document: what `json.dumps` makes of it without blanks, in half the time."""
    words = map(encode_basestring, (identity, text, source))
    return '{{"id":{},"text":{},"source":{}}}\n'.format(*words).encode()


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
    """Yield the documents of a split, in the order in which they stand there."""
    for name in shard_files(artefact, split):
        yield from read_shard(artefact, name)
