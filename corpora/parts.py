"""Parts of a draft: how a file or a folder that is complete becomes one, in the draft's own process or not.

The process that opened a draft keeps its journal, alone. Others make parts by `made_elsewhere`, which leaves
a note beside each; the journal takes it over (`Draft.adopt`), at the latest when the draft is opened again.
"""

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from corpora import disk
from corpora.errors import CorruptArtefact
from corpora.manifest import (
    FileRecord,
    check_contents,
    check_size,
    files_at,
    joined,
    journal_line,
    record_of,
    unsealed_line,
)
from corpora.stage import JSON

JOURNAL = "journal.jsonl"
WRITING = ".writing"  # ends the name of what is not complete
NOTE = ".finished"  # ends the name of the note beside a part that the journal does not know yet


def settle(place: Path, final: Path, part: str) -> dict[str, FileRecord]:
    """Sync what is at `place`, give it its final name; the records of its files."""
    records = {joined(part, inner): record_of(path) for inner, path in files_at(place)}
    for folder in (path for path in place.rglob("*") if path.is_dir()):
        disk.sync(folder)
    disk.remove(final)
    disk.rename(place, final)
    return records


@contextlib.contextmanager
def made_elsewhere(draft: Path, part: str) -> Iterator[Path]:
    """A path where a file or a folder is made; it becomes `part` of the draft when the block ends well.

    Two processes at one part do not disturb each other. The folder above the part has to be there: where the
    draft is finished meanwhile, or gone, nothing is left behind.
    """
    final = draft / part
    place = final.with_name(f"{final.name}.{uuid.uuid4().hex}{WRITING}")
    with disk.writing(final):
        try:
            yield place
            records = settle(place, final, part)
            with disk.SyncedFile(place) as file:
                file.write(journal_line(part, records))
            disk.replace(place, final.with_name(final.name + NOTE))
        except BaseException:
            disk.remove(place)
            raise


def recovered(
    draft: Path, title: dict[str, JSON], warn: Callable[[str], None]
) -> dict[str, dict[str, FileRecord]]:
    """The parts that former processes finished and that are still what they wrote, with their records.

    `title` is the first line of the draft's journal; another one is of another draft.
    """
    parts = journaled(draft, title)
    for part, records in list(parts.items()):
        try:
            for name, record in records.items():
                check_size(draft / name, record)
                check_contents(draft / name, record)
        except CorruptArtefact as error:
            warn(f"{error}; {part} will be made again")
            del parts[part]
    return parts


def title_of(draft: Path) -> dict[str, JSON] | None:
    """The first line of a draft's journal; None where there is none, or it is damaged."""
    path = draft / JOURNAL
    with path.open("rb") if path.exists() else contextlib.nullcontext() as file:
        return unsealed_line(file.readline().rstrip()) if file else None


def journaled(draft: Path, title: dict[str, JSON]) -> dict[str, dict[str, FileRecord]]:
    """The parts that the journal and the notes name, with their records, as they were when written."""
    parts: dict[str, dict[str, FileRecord]] = {}
    for line in _journal(draft, title):
        parts.pop(line["part"], None)  # the newest line about a part counts
        if line["files"] is not None:
            parts[line["part"]] = records_of(line)
    return parts


def _journal(draft: Path, title: dict[str, JSON]) -> Iterator[dict[str, JSON]]:
    """Whole, undamaged lines of the journal, and then of the notes beside parts."""
    path = draft / JOURNAL
    lines = [unsealed_line(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    if not lines or lines[0] != title:
        return
    yield from itertools.takewhile(bool, lines[1:])  # a torn end is ignored
    for note in sorted(draft.rglob("*" + NOTE)):
        if line := unsealed_line(note.read_bytes().rstrip()):
            yield line


def records_of(line: Mapping[str, JSON]) -> dict[str, FileRecord]:
    """The records of a part's files in a line of a journal."""
    return {name: FileRecord(**record) for name, record in line["files"].items()}
