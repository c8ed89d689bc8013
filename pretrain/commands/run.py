"""`maskwright run RECIPE`: make what is not made yet; also what each rank of a job runs."""

import argparse

from rich.console import Console

from pretrain.commands import options, plan


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    options.stages(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan, do nothing")


def act(given: argparse.Namespace, console: Console) -> None:
    """Run the stages, as the only process, the parent of others, or one rank of several."""
    if given.dry_run:
        plan.act(given, console)
        return
    from pretrain.signals import listening

    with listening() as stop:
        from pretrain.recipe import load

        recipe = load(given.recipe, given.overrides)
        from pretrain import launch, runner

        if launch.launched():
            launch.end_with_parent()
        choice = {"only": given.only, "first": given.first, "until": given.until}
        job = runner.job(recipe, given.runs, console, stop, **choice)
        runner.follow(job) if launch.rank() else runner.run(job)
