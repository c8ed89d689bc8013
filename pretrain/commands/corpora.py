"""`maskwright corpora PATH`: what became of the text, how long documents are, and some of them to read."""

import argparse
from pathlib import Path

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="shards, or the folder of a run that made some"
    )
    parser.add_argument("-n", dest="count", type=_whole, default=5, metavar="DOCUMENTS", help="how many (5)")
    parser.add_argument("--split", default="train", help="train, or validation")
    parser.add_argument("--source", help="documents of this source alone")
    parser.add_argument("--seed", type=_whole, default=0, help="other documents for another number (0)")
    parser.add_argument("--rejects", action="store_true", help="what was dropped, a sample for each reason")


def _whole(word: str) -> int:
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"got {word!r}, a whole number is needed, 0 or more")
    return int(word)


def act(given: argparse.Namespace, console: Console) -> None:
    """Print counts, lengths and documents; or the rejects."""
    from corpora.errors import UsageError
    from corpora.overview import drawn
    from corpora.shuffling import SPLITS
    from pretrain.preview import corpus_view
    from pretrain.running.folders import the_only

    shards = the_only(given.path, "shards")
    if given.split not in SPLITS:
        raise UsageError(f"shards have no split {given.split!r}; they have {' and '.join(SPLITS)}")
    if given.source not in (None, *shards.facts["sources"]):
        raise UsageError(f"no source {given.source!r}; there are {', '.join(shards.facts['sources'])}")
    if given.rejects:
        corpus_view.rejects(shards, given.source, console)
        return
    corpus_view.counts(shards, console)
    corpus_view.histogram(shards, given.split, console)
    if given.count:
        found = drawn(shards, given.split, given.count, given.seed, given.source)
        corpus_view.documents(found, console)
