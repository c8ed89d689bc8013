"""`maskwright batch`: the batch of any step again, with its documents."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console

from pretrain.commands import options

if TYPE_CHECKING:
    from corpora.document import Document
    from pretrain.preview.opening import Opened
    from pretrain.preview.rebuilding import Rebuilt


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    parser.add_argument("--step", type=int, required=True, help="the step, counted from 1, as in the log")
    parser.add_argument("--rank", type=int, default=0, help="the rows of this process (0)")
    parser.add_argument("--world", type=int, default=1, help="processes that share a step (1)")
    parser.add_argument("--stage", help="the training stage, where there are several")
    parser.add_argument("--show", action="store_true", help="print the rows as preview does")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print a line for each row, and one for each of its documents."""
    from corpora.artefact import Artefact
    from pretrain import documents
    from pretrain.batch import KINDS
    from pretrain.preview import figure, terminal
    from pretrain.preview.opening import open_training
    from pretrain.preview.rebuilding import rebuild
    from pretrain.recipe import load

    again = [given.recipe, *given.overrides]
    opened = open_training(load(given.recipe, given.overrides), given.runs, given.stage, again)
    built = rebuild(opened, given.step, given.rank, given.world)
    places = documents.places(opened.tokens, built.rows.samples)
    found = documents.look_up(Artefact.open(opened.shards, "shards"), places) if opened.shards else {}
    spell = figure.speller(opened.loader.tokens.tokenizer)
    say = partial(console.print, markup=False, highlight=False)
    say(_head(given, opened, built), style="bold")
    if not opened.shards:
        say("the shards of this token set are not at hand: documents have numbers only", style="dim")
    if given.show:
        say(terminal.legend(console, KINDS))
    for i, place in enumerate(places):
        say(_row(built, i))
        for number in place.documents:
            say(f"      {_named(place.part, number, found.get(number))}")
        if given.show:
            say("      ", terminal.line(console, figure.pieces(built.rows, i, spell)), sep="")


def _head(given: argparse.Namespace, opened: "Opened", built: "Rebuilt") -> str:
    from pretrain.preview.rebuilding import digest

    return (
        f"stage {opened.stage}, step {given.step:,}, rank {given.rank} of {given.world}: "
        f"{len(built.places)} of {opened.config.batch} rows, micro-batches: {len(built.window.batches)}, "
        f"digest {digest(built.window)}"
    )


def _row(built: "Rebuilt", i: int) -> str:
    rows = built.rows
    return (
        f"{built.places[i]:4}  row {rows.samples[i]:,} of the token set, epoch {built.epochs[i] + 1}: "
        f"{rows.lengths[i]} tokens, {int((rows.kinds[i] > 0).sum())} to predict"
    )


def _named(part: str, number: int, document: "Document | None") -> str:
    """A document by its place in the shards, its source and its id."""
    from corpora.document import where

    if document is None:
        return f"{part}: document {number:,}"
    return f"{where(document)}  {document.metadata['source']}  {document.id}"
