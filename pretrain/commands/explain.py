"""`maskwright explain KEY`: what a key means, its type, default and range."""

import argparse

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("key", help="a key: train.masking.budget, or just budget; site.gpu: of a site file")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print the meaning of the key, wherever there is one of that name."""
    from pretrain.kinds import KINDS
    from pretrain.reading.explaining import explain
    from pretrain.running.site import Site

    console.print(explain(given.key, {**KINDS, "site": Site}), markup=False, highlight=False)
