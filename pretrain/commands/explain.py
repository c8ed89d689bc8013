"""`maskwright explain KEY`: what a key means, its type, default and range."""

import argparse

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("key", help="a recipe key: train.masking.budget, or just budget")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print the meaning of the key, wherever there is one of that name."""
    from pretrain.recipe import explain

    console.print(explain(given.key), markup=False, highlight=False)
