"""`maskwright preview`: rows as training reads them, and what is counted over many of them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from corpora.errors import UsageError
from pretrain.commands import options

if TYPE_CHECKING:
    from pretrain.preview.figure import Piece
    from pretrain.preview.opening import Opened
    from pretrain.preview.tables import Table


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    parser.add_argument("-n", type=int, default=20, metavar="ROWS", help="rows to show (20)")
    parser.add_argument("--stage", help="the training stage, where there are several")
    parser.add_argument("--step", type=int, help="begin with the rows of this step, counted from 1 (1)")
    parser.add_argument("--epoch", type=int, help="begin with the first step of this epoch, from 1")
    parser.add_argument("--seed", type=int, help="another seed of the masks")
    parser.add_argument("--rows", type=int, default=2000, help="rows to count over (2000)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write it as a page, too")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print rows and tables; write the page."""
    from dataclasses import replace

    from pretrain import notes
    from pretrain.preview import census, figure, tables
    from pretrain.preview.opening import open_training
    from pretrain.preview.page import page
    from pretrain.recipe import load

    _refuse(given)
    recipe = load(given.recipe, given.overrides)
    opened = open_training(recipe, given.runs, given.stage, [given.recipe, *given.overrides])
    step, loader = _step(given, opened), opened.loader
    if given.seed is not None:
        loader = replace(loader, seed=given.seed)
    spell = figure.speller(loader.tokens.tokenizer)
    shown = [
        figure.pieces(rows, row, spell)
        for rows in census.upcoming(loader, step - 1, given.n)
        for row in range(len(rows.ids))
    ]
    counted = census.take(census.upcoming(loader, step - 1, given.rows), loader)
    made = tables.tables(counted, loader, loader.masking.rate(step - 1), spell)
    masking, replacement = loader.masking.strategy, loader.replacement.strategy
    note = f"stage {opened.stage}, from step {step:,} on: {masking}, {replacement}, seed {loader.seed}"
    _print(console, note, shown, made)
    if given.html:
        notes.write(given.html, page(recipe.name, note, shown, made))
        console.print(f"page: {given.html}", markup=False, highlight=False)


def _refuse(given: argparse.Namespace) -> None:
    """What cannot be done is told before any work."""
    if min(given.n, given.rows) < 1:
        raise UsageError(f"-n {given.n} --rows {given.rows}: give 1 or more rows")
    if given.html and (given.html.is_dir() or not given.html.parent.is_dir()):
        raise UsageError(f"--html {given.html}: give the name of a file in a folder that there is")
    if given.step is not None and given.epoch is not None:
        raise UsageError("--step and --epoch both say where to begin: give one of them")


def _print(console: Console, note: str, rows: Sequence["Sequence[Piece]"], tables: Sequence["Table"]) -> None:
    from pretrain.batch import KINDS
    from pretrain.preview import terminal

    console.print(note, markup=False, highlight=False, style="bold")
    occurring = {piece.kind for pieces in rows for piece in pieces}
    console.print(terminal.legend(console, [kind for kind in KINDS if kind in occurring]))
    for number, pieces in enumerate(rows, 1):
        console.print(f"[dim]{number:3}[/] ", terminal.line(console, pieces), sep="", highlight=False)
    for table in tables:
        console.print(terminal.grid(table))


def _step(given: argparse.Namespace, opened: "Opened") -> int:
    """The step to begin with, counted from 1."""
    from pretrain.preview.opening import check_step

    step = 1 if given.step is None else given.step
    if given.epoch is not None:
        step = 1 - -(given.epoch - 1) * len(opened.loader.tokens) // opened.config.batch
    check_step(opened, step)
    return int(step)
