"""What is written about files: sizes and digests, sealed, so that damage to either is seen.

A manifest, of a finished artefact, and each line of a journal, of one in the making, carry their own digest.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import xxhash

from corpora import disk
from corpora.errors import CorruptArtefact, UsageError
from corpora.stage import JSON

MANIFEST = "manifest.json"
FORMAT = 1  # of the manifest itself


@dataclass(frozen=True)
class FileRecord:
    """What a manifest says of one file."""

    size: int  # bytes
    xxh3: str  # xxh3-128, hexadecimal


def canonical(value: JSON) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text, the ground of every digest here."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _seal(manifest: Mapping[str, JSON]) -> str:
    return xxhash.xxh3_128_hexdigest(canonical(manifest).encode())


def sealed(manifest: Mapping[str, JSON]) -> bytes:
    """A manifest as it is written, its seal among its keys."""
    seal = _seal(manifest)
    return (
        json.dumps({**manifest, "seal": seal}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    ).encode()


def read_manifest(path: Path) -> dict[str, JSON]:
    """The manifest of the artefact in `path`, without its seal.

    Raises:
        UsageError: there is none.
        CorruptArtefact: it was changed, or a newer version wrote it.
    """
    place = path / MANIFEST
    if not place.is_file():
        raise UsageError(f"{path} is no finished artefact: it has no {MANIFEST}")
    try:
        manifest = json.loads(place.read_bytes())
        seal = manifest.pop("seal")
        intact = seal == _seal(manifest)
    except (ValueError, KeyError, AttributeError):
        intact = False
    if not intact:
        raise CorruptArtefact(
            f"{place} was changed or damaged since it was written; delete {path} to make it again"
        )
    if manifest["format"] > FORMAT:
        raise CorruptArtefact(
            f"{place} has format {manifest['format']}, this version reads {FORMAT}: upgrade"
        )
    return cast(dict[str, JSON], manifest)


def sealed_line(value: Mapping[str, JSON]) -> bytes:
    """A line of a journal: its digest, then its value."""
    text = canonical(value).encode()
    return xxhash.xxh3_64_hexdigest(text).encode() + b" " + text + b"\n"


def unsealed_line(line: bytes) -> dict[str, JSON] | None:
    """The value of a line of a journal; None if the line is torn or damaged."""
    seal, _, text = line.partition(b" ")
    intact = seal.decode(errors="replace") == xxhash.xxh3_64_hexdigest(text)
    return json.loads(text) if intact else None


def journal_line(part: str, records: dict[str, FileRecord] | None) -> bytes:
    """The line that says a part is finished, with the records of its files, or gone (None)."""
    files = None if records is None else {n: {"size": r.size, "xxh3": r.xxh3} for n, r in records.items()}
    return sealed_line({"part": part, "files": files})


def files_at(place: Path) -> Iterator[tuple[str, Path]]:
    """(relative name, path) of the files at `place`: the one file itself (name ""), or a folder's, sorted."""
    if place.is_file():
        yield "", place
    else:
        yield from sorted((p.relative_to(place).as_posix(), p) for p in place.rglob("*") if p.is_file())


def joined(part: str, inner: str) -> str:
    """The name, within the artefact, of a file of a part."""
    return f"{part}/{inner}" if inner else part


def record_of(path: Path) -> FileRecord:
    """Sync a file that is complete, and describe it."""
    disk.sync(path)
    return FileRecord(path.stat().st_size, disk.digest(path))


def check_size(path: Path, record: FileRecord) -> None:
    """Refuse a file that is missing or has another size than was written.

    Raises:
        CorruptArtefact: with both sizes.
    """
    if not path.is_file():
        raise CorruptArtefact(f"{path} is missing, its manifest names it")
    if (size := path.stat().st_size) != record.size:
        raise CorruptArtefact(f"{path} has {size:,} bytes, {record.size:,} were written")


def check_contents(path: Path, record: FileRecord) -> None:
    """Refuse a file that holds other bytes than were written.

    Raises:
        CorruptArtefact: with both digests.
    """
    if (found := disk.digest(path)) != record.xxh3:
        raise CorruptArtefact(
            f"{path} was changed or damaged: xxh3-128 is {found}, written was {record.xxh3}"
        )
