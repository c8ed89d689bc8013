"""Options that several commands share."""

import argparse
from pathlib import Path


def recipe(parser: argparse.ArgumentParser) -> None:
    """The recipe, its overrides, and where runs live."""
    parser.add_argument("recipe", help="a YAML file, or the name of a shipped recipe (maskwright recipes)")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="an input, text='*.txt', or any key: train.steps=500",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where runs and artefacts live (runs)"
    )


def stages(parser: argparse.ArgumentParser) -> None:
    """Which stages of the recipe."""
    parser.add_argument("--only", metavar="STAGE", help="this stage alone")
    parser.add_argument("--from", dest="first", metavar="STAGE", help="this stage and those after it")
    parser.add_argument("--until", metavar="STAGE", help="stages up to this one")
