"""`maskwright plan RECIPE`: what a run would do, and what it would cost."""

import argparse

from rich.console import Console

from pretrain.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    options.stages(parser)


def act(given: argparse.Namespace, console: Console) -> None:
    """Print the plan; do nothing."""
    from pretrain.launch.signals import StopRequest
    from pretrain.recipe import load
    from pretrain.running import runner
    from pretrain.running.planning import plan

    recipe = load(given.recipe, given.overrides)
    choice = {"only": given.only, "first": given.first, "until": given.until}
    plan(runner.job(recipe, given.runs, console, StopRequest(), **choice))
