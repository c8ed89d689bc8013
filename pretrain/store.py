"""The store of artefacts: every stage's work under a name that says what it was made from.

The fingerprint of a stage is a digest of its settings (those that can change the result), the fingerprints of
its inputs, the contents of the files it reads from outside, and its format version. Equal fingerprints, equal
bytes: so runs and recipes share artefacts, finished work is not repeated, and nothing stale is ever read.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import xxhash

from corpora import disk
from corpora.artefact import Artefact, Draft, canonical, finished
from corpora.stage import JSON, StageSettings, roles_of

FRESH_SECONDS = 2.0  # a younger file may change again within one tick of its clock


@dataclass(frozen=True)
class Store:
    """A folder of artefacts, `<kind>-<fingerprint>` each."""

    root: Path

    def identity(self, config: StageSettings, inputs: Mapping[str, str]) -> JSON:
        """All that the result depends on. `inputs` are the fingerprints of the artefacts read, by role."""
        left_out = config.unfingerprinted | roles_of(type(config)).keys()
        return {
            "settings": config.model_dump(mode="json", exclude=set(left_out)),
            "format": config.format,
            "inputs": dict(inputs),
            "outside": self._digests(config.outside()),
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

    def _digests(self, paths: Sequence[Path]) -> list[str]:
        """`name:xxh3-128` of each file; unchanged files (size, time) are not read again."""
        cache_file = self.root / "digests.json"
        known: dict[str, list[JSON]] = json.loads(cache_file.read_bytes()) if cache_file.exists() else {}
        found = {str(path.absolute()): self._digest(path, known.get(str(path.absolute()))) for path in paths}
        if any(known.get(name) != entry for name, entry in found.items()):
            disk.make_folder(self.root)
            with disk.writing(cache_file):
                fresh = cache_file.with_suffix(".writing")
                fresh.write_text(json.dumps({**known, **found}, indent=1))
                disk.replace(fresh, cache_file)
        return [f"{path.name}:{found[str(path.absolute())][2]}" for path in paths]

    def _digest(self, path: Path, known: list[JSON] | None) -> list[JSON]:
        status = path.stat()
        old_enough = time.time() - status.st_mtime > FRESH_SECONDS
        if known and old_enough and known[:2] == [status.st_size, status.st_mtime_ns]:
            return known
        return [status.st_size, status.st_mtime_ns if old_enough else 0, disk.digest(path)]


def fingerprint(identity: JSON) -> str:
    """16 hexadecimal digits that name an identity."""
    return xxhash.xxh3_64_hexdigest(canonical(identity).encode())
