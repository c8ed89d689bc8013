"""JSON lines: one object a line, the text in one of its fields."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from corpora.document import Document
from corpora.errors import BadData
from corpora.lines import lines
from corpora.settings import Settings

LONGEST_RECORD = 256 << 20  # bytes; a longer line is cut, and then it is not JSON
SURROGATE = re.compile("[\ud800-\udfff]")
JSON_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}


class Jsonl(Settings):
    """One JSON object a line, also compressed (.gz, .zst, .bz2, .xz). Blank lines are not records."""

    name: Literal["jsonl"] = "jsonl"
    """One JSON object a line."""

    text: str = "text"
    """The field that holds the text."""

    id: str = "id"
    """The field that holds the row's own id (a string or a whole number); rows may lack it."""

    def read(self, path: Path) -> Iterator[Document]:
        """Yield a document a record; half a surrogate pair, which no UTF-8 can hold, becomes U+FFFD."""
        for line, row in records(path):
            text, own = row.get(self.text), row.get(self.id, "")
            if not isinstance(text, str):
                raise BadData(f"{path}:{line}: {_complaint(self.text, row)}")
            if not isinstance(own, str | int) or isinstance(own, bool):
                raise BadData(f"{path}:{line}: {self.id!r} is {_kind(own)}, a string or number is needed")
            yield Document(
                text=SURROGATE.sub("\ufffd", text),
                id=SURROGATE.sub("\ufffd", str(own)),
                metadata={"line": line},
            )


def records(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield (line, object) of a JSON lines file.

    Raises:
        BadData: a line is not one JSON object, or says a key twice.
    """
    for line, text in lines(path, LONGEST_RECORD):
        if not text.strip():
            continue
        try:
            row = json.loads(text, object_pairs_hook=_without_repeats)
        except (ValueError, RecursionError) as error:
            raise BadData(f"{path}:{line}: not a JSON object on one line ({error})") from error
        if not isinstance(row, dict):
            raise BadData(f'{path}:{line}: {_kind(row)}, an object such as {{"text": ...}} is needed')
        yield line, row


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"key {twice!r} is there twice")
    return row


def _complaint(field: str, row: dict[str, object]) -> str:
    if field in row:
        return f"{field!r} is {_kind(row[field])}, a string is needed"
    found = ", ".join(map(repr, sorted(row)[:8])) or "none"
    return (
        f"no field {field!r} (fields: {found}); name the right one under `reader: {{name: jsonl, text: ...}}`"
    )


def _kind(value: object) -> str:
    return JSON_NAMES.get(type(value), f"the number {str(value)[:20]}")
