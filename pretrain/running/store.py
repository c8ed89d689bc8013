"""The store of artefacts: every stage's work under a name that says what it was made from.

The fingerprint of a stage is a digest of its settings (those that can change the result), the fingerprints of
its inputs, the contents of the files it reads from outside, and its format version. So runs and recipes share
artefacts, finished work is not repeated, and nothing stale is ever read. Equal fingerprints give equal bytes
on one machine with equal asides (see `corpora.stage.Aside`). Of these, `speed` moves results by rounding and
dropout draws; the others move what a log says and which checkpoints stay, never a weight.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from corpora import disk
from corpora.artefact import Artefact, Draft, finished
from corpora.errors import CannotWrite
from corpora.manifest import canonical
from corpora.places import File
from corpora.stage import JSON, StageSettings, asides_of, roles_of
from pretrain import notes

FRESH_SECONDS = 2.0  # a younger file may change again within one tick of its clock


@dataclass(frozen=True)
class Store:
    """A folder of artefacts, `<kind>-<fingerprint>` each."""

    root: Path

    def identity(
        self, config: StageSettings, inputs: Mapping[str, str], outside: Sequence[str] | None = None
    ) -> JSON:
        """All that the result depends on.

        `inputs` are the fingerprints of the artefacts read, by role; `outside` the digests of the files read
        from elsewhere, where they are known already.

        Raises:
            BadData: a file from outside is missing.
        """
        left_out = asides_of(type(config)) | roles_of(type(config)).keys()
        return {
            "settings": config.model_dump(mode="json", exclude=set(left_out)),
            "format": config.format,
            "inputs": dict(inputs),
            "outside": self._digests(config.outside()) if outside is None else list(outside),
        }

    def place(self, config: StageSettings, fingerprint: str) -> Path:
        """Where the artefact with this fingerprint stands, or will stand."""
        return self.root / f"{config.makes}-{fingerprint}"

    def find(self, config: StageSettings, fingerprint: str) -> Artefact | None:
        """The finished artefact, or None."""
        return finished(self.place(config, fingerprint), config.makes)

    def started(self, config: StageSettings, fingerprint: str) -> Path | None:
        """The draft that an interrupted process left, or None."""
        draft = Draft(self.place(config, fingerprint), config.makes, fingerprint).path
        return draft if draft.exists() else None

    def _digests(self, files: Sequence[File]) -> list[str]:
        """`name:xxh3-128` of each file, or `name:` and what a distant one is told by, in order."""
        paths = [file for file in files if isinstance(file, Path)]
        local = dict(zip(paths, self._read(paths), strict=True))
        return [f"{file.name}:{local[file] if isinstance(file, Path) else file.state()}" for file in files]

    def _read(self, paths: Sequence[Path]) -> list[str]:
        """xxh3-128 of each file; unchanged files (size, time) are not read again."""
        cache = self.root / "digests.jsonl"
        known = {row["path"]: row for row in notes.rows(cache)}
        found = [_digest(path, known.get(str(path.absolute()))) for path in paths]
        fresh = [row for row in found if row["mtime_ns"] and row != known.get(row["path"])]
        with contextlib.suppress(CannotWrite), disk.writing(cache):  # a plan may look where it cannot write
            if fresh:
                disk.make_folder(self.root)
            for row in fresh:
                notes.append(cache, row)
        return [row["xxh3"] for row in found]


def _digest(path: Path, known: Mapping[str, JSON] | None) -> dict[str, JSON]:
    """Size, time and digest of a file; the time is 0 while the file is too young to show a change by it."""
    status = path.stat()
    old_enough = time.time() - status.st_mtime > FRESH_SECONDS
    mtime = status.st_mtime_ns if old_enough else 0
    seen: dict[str, JSON] = {"path": str(path.absolute()), "size": status.st_size, "mtime_ns": mtime}
    if known and mtime and seen.items() <= known.items():
        return dict(known)
    return {**seen, "xxh3": disk.digest(path)}


def fingerprint(identity: JSON) -> str:
    """16 hexadecimal digits that name an identity."""
    return xxhash.xxh3_64_hexdigest(canonical(identity).encode())
