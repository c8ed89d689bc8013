"""Hostfiles in DeepSpeed's format: a host a line, `node1 slots=8`; `#` begins a comment."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpora.errors import UsageError

_LINE = re.compile(r"(?P<name>[^\s=#-][^\s=#]*)\s+slots\s*=\s*(?P<slots>[1-9]\d*)")


@dataclass(frozen=True)
class Host:
    """A machine, and how many ranks it gets: its GPUs, as a rule."""

    name: str
    slots: int


def read(path: Path) -> list[Host]:
    """The hosts of a file, in order.

    Raises:
        UsageError: it cannot be read, names no host, or has lines of another form: all are told.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the hostfile {path} cannot be read: {error}") from error
    found, wrong, seen = list[Host](), list[str](), dict[str, int]()
    for number, text in _written(lines):
        match = _LINE.fullmatch(text)
        if match is None:
            wrong.append(f"{path}:{number}: got '{text}', wanted a host and its processes: node1 slots=8")
        elif (name := match["name"]) in seen:
            wrong.append(
                f"{path}:{number}: '{name}' is here a second time; the first is in line {seen[name]}"
            )
        else:
            seen[name] = number
            found.append(Host(name, int(match["slots"])))
    if not found and not wrong:
        wrong.append(f"{path}: names no host; wanted a line for each: node1 slots=8")
    if wrong:
        raise UsageError("\n".join(wrong))
    return found


def _written(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Number and text of the lines that say something."""
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            yield number, text
