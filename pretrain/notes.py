"""Small files beside the artefacts: written whole, or line by line. A kill may tear the last line."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora import disk
from corpora.stage import JSON


def write(path: Path, text: str) -> None:
    """Give a file a new content in one step: a reader finds the old text or the new one."""
    draft = path.with_name(path.name + ".writing")
    with disk.writing(path):
        draft.write_text(text, "utf-8")
        disk.sync(draft)
        disk.replace(draft, path)


def append(path: Path, row: Mapping[str, JSON]) -> None:
    """Add one row as a line of JSON; processes may do so at once."""
    append_line(path, json.dumps(row, ensure_ascii=False))


def append_line(path: Path, line: str) -> None:
    """Add one line of text, on a line of its own even behind a torn one."""
    with disk.writing(path), path.open("a+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - 1))
        torn = file.read(1) not in (b"", b"\n")
        file.write((b"\n" if torn else b"") + line.encode() + b"\n")


def rows(path: Path) -> Iterator[dict[str, JSON]]:
    """The rows of a file of JSON lines, without torn ones; none if there is no such file."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row
