"""`maskwright recipes`: the recipes that come with the package."""

import argparse

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """There are no options."""


def act(given: argparse.Namespace, console: Console) -> None:
    """Print names and the first line of each description."""
    from pretrain.recipe import shipped

    for name, line in shipped():
        console.print(f"[bold]{name:26}[/] ", end="")
        console.print(line, markup=False, highlight=False)
