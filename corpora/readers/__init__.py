"""Readers: one file of text -> documents, in order. The union below is the one place to register a member.

A member is a frozen value with one method, `read(path) -> Iterator[Document]`; it raises `BadData` with
`file:line` at the first thing it cannot read, since a corpus that silently got shorter looks like a smaller
corpus.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from corpora.errors import UsageError
from corpora.readers.jsonl import Jsonl
from corpora.readers.plain_text import PlainText
from corpora.readers.tagged_text import TaggedText
from corpora.settings import named

__all__ = ["Jsonl", "PlainText", "Reader", "TaggedText", "reader_for"]

Reader = Annotated[PlainText | Jsonl | TaggedText, Field(discriminator="name"), named("name")]

COMPRESSIONS = {".gz", ".zst", ".bz2", ".xz"}
BY_SUFFIX: dict[str, type[PlainText] | type[Jsonl]] = {
    "": PlainText,
    ".txt": PlainText,
    ".text": PlainText,
    ".jsonl": Jsonl,
    ".ndjson": Jsonl,
    ".json": Jsonl,
}


def reader_for(path: Path) -> PlainText | Jsonl | TaggedText:
    """The reader that a file's name asks for, compression aside.

    >>> reader_for(Path("wiki.jsonl.gz")).name
    'jsonl'
    """
    inner = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    suffix = inner.suffix.lower()
    if suffix not in BY_SUFFIX:
        known = ", ".join(sorted(filter(None, BY_SUFFIX)))
        raise UsageError(
            f"{path}: no reader is known for {suffix!r} (known: {known}); "
            "say which under `reader`: plain_text, jsonl or tagged_text"
        )
    return BY_SUFFIX[suffix]()
