"""Which versions of the libraries a run was made with: noted in its folder, never in an artefact."""

import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pretrain import notes

FILE = "versions.jsonl"
LIBRARIES = ("maskwright", "torch", "transformers", "tokenizers", "deepspeed", "numpy", "datasets")


def versions() -> dict[str, str]:
    """Of Python and of the libraries that decide results; nothing is imported."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed" if name != "maskwright" else "a checkout"
    return found


def note(folder: Path) -> list[str]:
    """Note today's versions in a run's folder unless they stand there; what changed, a line for each."""
    before, now = remembered(folder), versions()
    if now == before:
        return []
    notes.append(folder / FILE, {"since": time.strftime("%Y-%m-%d %H:%M:%S"), "versions": now})
    changed = (name for name in now if before.get(name, now[name]) != now[name])
    return [f"{name} {before[name]} -> {now[name]}" for name in changed]


def remembered(folder: Path) -> Mapping[str, str]:
    """The versions noted last; none in a new folder."""
    last = [row["versions"] for row in notes.rows(folder / FILE)]
    return dict(last[-1]) if last else {}
