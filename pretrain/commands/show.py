"""`maskwright show PATH`: rows of a token set as a person reads them."""

import argparse
from pathlib import Path

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a token set, or the folder of a run with one"
    )
    parser.add_argument("-n", dest="count", type=_count, default=5, metavar="ROWS", help="how many rows (5)")
    parser.add_argument("--split", default="train", help="train, or validation")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--row", type=_count, metavar="NUMBER", help="the first row to show (0)")
    where.add_argument("--random", type=_count, metavar="SEED", help="rows drawn at random")


def _count(text: str) -> int:
    """A whole number of 0 or more, for argparse."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def act(given: argparse.Namespace, console: Console) -> None:
    """Print the rows."""
    from pretrain.preview.showing import choose, open_tokens, show

    tokens = open_tokens(given.path, given.split)
    for line in show(tokens, choose(tokens, given.count, given.row, given.random)):
        console.print(line)
