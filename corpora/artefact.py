"""The commit point: how every artefact (shards, tokens, lexicon, checkpoint, export, score) comes to be.

An artefact is made in `<final>.partial`. Each finished part, a file or a folder, is synced, renamed and
entered in a journal, so that a killed process loses only the part it was writing. The manifest is written
last, naming every file with its size and xxh3-128; then the folder gets its final name. Readers open only
what a manifest names, and check it on first touch.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from corpora import disk
from corpora.errors import CorruptArtefact, UsageError
from corpora.manifest import (
    FORMAT,
    MANIFEST,
    FileRecord,
    canonical,
    check_contents,
    check_size,
    journal_line,
    read_manifest,
    sealed,
    sealed_line,
    unsealed_line,
)
from corpora.parts import JOURNAL, NOTE, WRITING, journaled, records_of, recovered, settle, title_of
from corpora.stage import JSON, Report


@dataclass(frozen=True)
class Artefact:
    """A finished folder. Opening checks manifest and sizes; contents are checked when first touched."""

    path: Path
    kind: str
    fingerprint: str
    summary: str
    facts: Mapping[str, JSON]
    identity: JSON
    files: Mapping[str, FileRecord]
    _checked: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def open(cls, path: Path, kind: str | None = None) -> "Artefact":
        """Open the finished artefact in `path`.

        Raises:
            UsageError: there is no artefact, or one of another kind than `kind`.
            CorruptArtefact: the manifest is damaged, or a file is missing or has another size.
        """
        manifest = read_manifest(path)
        if kind is not None and manifest["kind"] != kind:
            raise UsageError(f"{path} holds {manifest['kind']!r}, but {kind!r} is needed here")
        files = {name: FileRecord(**record) for name, record in manifest["files"].items()}
        for name, record in files.items():
            check_size(path / name, record)
        words = {key: manifest[key] for key in ("kind", "fingerprint", "summary", "facts", "identity")}
        return cls(path=path, files=files, **words)

    @classmethod
    def unfinished(cls, path: Path, kind: str) -> "Artefact":
        """The finished parts of a draft, as they stand now. Another process may be at work in it.

        It changes nothing. A part that is discarded meanwhile is an error when it is opened.

        Raises:
            UsageError: there is no draft, or one of another kind.
        """
        title = title_of(path)
        if title is None or title["kind"] != kind:
            found = "no journal" if title is None else f"{title['kind']!r}"
            raise UsageError(f"{path} holds {found}, but a draft of {kind!r} is needed here")
        parts = journaled(path, title).values()
        files = {name: record for records in parts for name, record in records.items()}
        return cls(path, kind, title["fingerprint"], "not finished", {}, None, files)

    def names(self, prefix: str = "") -> list[str]:
        """Relative names of the files that start with `prefix`, sorted."""
        return sorted(name for name in self.files if name.startswith(prefix))

    def file(self, name: str) -> Path:
        """The path of a file, once its contents are known to be what was written.

        Raises:
            CorruptArtefact: the manifest names no such file, or its contents changed.
        """
        if name not in self.files:
            raise CorruptArtefact(
                f"{self.path} has no {name!r} in its manifest (it names {len(self.files)} files)"
            )
        if name not in self._checked:
            check_contents(self.path / name, self.files[name])
            self._checked.add(name)
        return self.path / name

    def folder(self, name: str = "") -> Path:
        """The path of a sub-folder ("" for the whole), all of its files checked."""
        for inner in self.names(f"{name}/" if name else ""):
            self.file(inner)
        return self.path / name

    def read_json(self, name: str) -> JSON:
        """The value in a checked JSON file."""
        return json.loads(self.file(name).read_bytes())

    def verify(self) -> None:
        """Check every byte, also of files checked before."""
        self._checked.clear()
        self.folder()


class Draft:
    """An artefact in the making. Open one with `Draft.open`; stages fill it, the runner commits it."""

    def __init__(self, final: Path, kind: str, fingerprint: str) -> None:
        """Name the draft; `open` is what makes or recovers its folder."""
        self.final, self.kind, self.fingerprint = final, kind, fingerprint
        self.path = final.with_name(final.name + ".partial")
        self._parts: dict[str, dict[str, FileRecord]] = {}

    @classmethod
    def open(
        cls, final: Path, kind: str, fingerprint: str, warn: Callable[[str], None] = lambda line: None
    ) -> "Draft":
        """Make the folder, or recover what a killed process finished in it.

        Journaled parts are checked in full; a damaged one is named through `warn` and dropped. Whatever no
        journal names is half-written and removed.
        """
        draft = cls(final, kind, fingerprint)
        with disk.writing(draft.path):
            disk.make_folder(draft.path)
            draft._parts = recovered(draft.path, draft._title(), warn)
            draft._clear_leftovers()
            disk.remove(draft.path / MANIFEST)
            draft._rewrite_journal()
        return draft

    def has(self, part: str) -> bool:
        """Whether `part` was finished, now or before a kill."""
        return part in self._parts

    def parts(self, prefix: str = "") -> list[str]:
        """Finished parts whose names start with `prefix`, in the order in which they were finished."""
        return [part for part in self._parts if part.startswith(prefix)]

    @contextlib.contextmanager
    def write(self, part: str) -> Iterator[BinaryIO]:
        """A binary file for our own bytes; it becomes `part` when the block ends without an error."""
        with self.fill(part) as path, disk.SyncedFile(path) as file:
            yield cast(BinaryIO, file)

    @contextlib.contextmanager
    def fill(self, part: str) -> Iterator[Path]:
        """A path where a library makes a file or a folder; it becomes `part` when the block ends well."""
        place, final = self.path / (part + WRITING), self.path / part
        with disk.writing(final):
            disk.remove(place)
            disk.make_folder(place.parent)
            yield place
            self._enter(part, settle(place, final, part))

    def adopt(self, part: str) -> None:
        """Take over a part that another process finished (see `corpora.parts`).

        Raises:
            CorruptArtefact: its note is damaged.
        """
        note = self.path / (part + NOTE)
        with disk.writing(self.path):
            line = unsealed_line(note.read_bytes().rstrip())
            if line is None or line["part"] != part:
                raise CorruptArtefact(f"{note} is damaged; give the same command again")
            self._enter(part, records_of(line))
            disk.remove(note)

    def write_json(self, part: str, value: JSON) -> None:
        """Write a JSON value as `part`, keys sorted, so that equal values are equal bytes."""
        with self.write(part) as file:
            file.write(canonical(value).encode() + b"\n")

    def read_json(self, part: str) -> JSON:
        """The value of a JSON part written before."""
        return json.loads((self.path / part).read_bytes())

    def discard(self, *parts: str) -> None:
        """Remove finished parts: journaled first, so that a kill in between leaves nothing half there."""
        known = [part for part in parts if self._parts.pop(part, None) is not None]
        with disk.writing(self.path):
            if known:
                self._append(*(journal_line(part, None) for part in known))
            for part in known:
                disk.remove(self.path / part)

    def commit(self, report: Report, identity: JSON = None) -> Artefact:
        """Write the manifest, give the folder its final name, open it."""
        files = {name: record for records in self._parts.values() for name, record in records.items()}
        manifest: dict[str, JSON] = {
            "format": FORMAT,
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "summary": report.summary,
            "facts": dict(report.facts),
            "identity": identity,
            "files": {name: {"size": r.size, "xxh3": r.xxh3} for name, r in sorted(files.items())},
        }
        with disk.writing(self.final):
            self._clear_leftovers()
            with disk.SyncedFile(self.path / MANIFEST) as file:
                file.write(sealed(manifest))
            disk.sync(self.path)
            disk.remove(self.path / JOURNAL)
            disk.sync(self.path)
            with contextlib.suppress(FileNotFoundError):  # another process saw the manifest and completed it
                disk.rename(self.path, self.final)
        return Artefact.open(self.final, self.kind)

    def _title(self) -> dict[str, JSON]:
        return {"format": FORMAT, "kind": self.kind, "fingerprint": self.fingerprint}

    def _enter(self, part: str, records: dict[str, FileRecord]) -> None:
        self._parts.pop(part, None)
        self._parts[part] = records
        self._append(journal_line(part, records))

    def _append(self, *lines: bytes) -> None:
        with disk.SyncedFile(self.path / JOURNAL, append=True) as file:
            file.write(b"".join(lines))

    def _rewrite_journal(self) -> None:
        fresh = self.path / (JOURNAL + ".writing")
        with disk.SyncedFile(fresh) as file:
            file.write(sealed_line(self._title()))
            for part, records in self._parts.items():
                file.write(journal_line(part, records))
        disk.replace(fresh, self.path / JOURNAL)

    def _clear_leftovers(self) -> None:
        kept = {
            self.path / JOURNAL,
            *(self.path / name for records in self._parts.values() for name in records),
        }
        for path in sorted(self.path.rglob("*"), reverse=True):  # children before their folder
            empty = not any(path.iterdir()) if path.is_dir() else path not in kept
            if empty:
                disk.remove(path)


def finished(final: Path, kind: str) -> Artefact | None:
    """The artefact at `final`, or None if it is still to be made.

    A commit that was cut between its manifest and its last rename is completed here.
    """
    draft = final.with_name(final.name + ".partial")
    if not final.exists() and (draft / MANIFEST).exists() and not (draft / JOURNAL).exists():
        Artefact.open(draft, kind)
        with disk.writing(final):
            disk.rename(draft, final)
    return Artefact.open(final, kind) if final.exists() else None
