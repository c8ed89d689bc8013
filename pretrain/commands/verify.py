"""`maskwright verify PATH ...`: every byte of artefacts against their manifests."""

import argparse
from pathlib import Path

from rich.console import Console

from corpora.errors import UsageError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="an artefact, a folder of them, or a run's folder"
    )


def act(given: argparse.Namespace, console: Console) -> None:
    """Print a line for each artefact that is intact; the first that is not is an error."""
    from corpora.artefact import Artefact

    for path in given.paths:
        for place in _artefacts(path):
            artefact = Artefact.open(place)
            artefact.verify()
            size = sum(record.size for record in artefact.files.values()) / 1e6
            console.print(
                f"[green]intact[/] {place}: {len(artefact.files)} files, {size:,.1f} MB", highlight=False
            )


def _artefacts(path: Path) -> list[Path]:
    """Those in a folder or below it, and those that a run noted."""
    from corpora.manifest import MANIFEST
    from pretrain.running.folders import remembered

    found = sorted(inner.parent for inner in path.resolve().rglob(MANIFEST))
    found += [(path / str(note["artefact"])).resolve() for note in remembered(path).values()]
    if not found:
        raise UsageError(f"{path} holds no artefact: no {MANIFEST} in it or below it")
    return found
