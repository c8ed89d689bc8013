"""`maskwright compare RECIPE --vary KEY=A,B`: arms that differ in one thing, with seeds, in one table."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

from corpora.errors import UsageError
from pretrain.commands import options

if TYPE_CHECKING:
    from pretrain.comparing.cells import Comparison


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    parser.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=A,B",
        help="what the arms differ in: train.masking=token,ngram; several: all combinations",
    )
    parser.add_argument(
        "--grid",
        action="append",
        default=[],
        metavar="KEY=A,B",
        help="settings that every arm tries; the best on dev rows is reported: score.lr=1e-5,3e-5",
    )
    parser.add_argument(
        "--seeds", default="0-4", metavar="SEEDS", help="0-4, or 0,1,7 (0-4); more can be added"
    )
    parser.add_argument("--dry-run", action="store_true", help="show arms and cells, do nothing")


def act(given: argparse.Namespace, console: Console) -> None:
    """Make the cells that are not made yet, print and write the table of all."""
    from pretrain import launch
    from pretrain.comparing import running, saving, showing
    from pretrain.comparing.results import read
    from pretrain.launch.signals import listening

    comparison = _asked(given)
    if launch.is_rank():
        raise UsageError("compare starts the ranks of each run itself: start it without a launcher")
    showing.head(comparison, console)
    if given.dry_run:
        showing.plan(comparison, given.runs, console)
        return
    with listening() as stop:
        launch.settle()
        running.make(comparison, given.runs, console, stop)
    found = [
        (stage, saving.tabled(comparison, stage, read(comparison, given.runs, stage)))
        for stage in comparison.scored
    ]
    files = saving.save(comparison, found, running.folder_of(comparison, given.runs))
    showing.tables(found, files, console)


def _asked(given: argparse.Namespace) -> "Comparison":
    from pretrain.comparing import asked
    from pretrain.comparing.cells import compare

    if not given.vary:
        raise UsageError("nothing to compare: give --vary KEY=A,B, as in --vary train.masking=token,ngram")
    varied = [asked.choice(text, "--vary") for text in given.vary]
    grid = [asked.choice(text, "--grid") for text in given.grid]
    asked.distinct([*varied, *grid])
    return compare(given.recipe, given.overrides, varied, grid, asked.seeds(given.seeds))
