"""`maskwright export RUN`: any kept step of a run, finished or not, as a Hugging Face folder."""

import argparse
from pathlib import Path

from rich.console import Console


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="the folder of a run, such as runs/macbert_base"
    )
    parser.add_argument("--step", type=int, metavar="N", help="which of the steps kept (the last one)")
    parser.add_argument("--to", type=Path, metavar="FOLDER", help="where to (RUN/export-step-N)")
    parser.add_argument("--stage", help="the training stage, where there are several")


def act(given: argparse.Namespace, console: Console) -> None:
    """Write the folder, and say how to load it."""
    from pretrain.export import how_to_open
    from pretrain.running.releasing import release

    made = release(given.run, given.step, given.stage, given.to)
    said = f"{made.summary}: {made.path}\n{how_to_open(made, made.path)}"
    console.print(said, markup=False, highlight=False)
