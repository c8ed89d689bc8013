"""`maskwright submit RECIPE --site FILE`: a job of Slurm for each stage that is not done."""

import argparse
from pathlib import Path

from rich.console import Console

from pretrain.commands import options


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    options.stages(parser)
    parser.add_argument(
        "--site", type=Path, required=True, metavar="FILE", help="the cluster (maskwright explain site)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the scripts, do nothing")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print the scripts, or submit them and print the numbers of the jobs."""
    from pretrain.launch.signals import StopRequest
    from pretrain.recipe import load
    from pretrain.running import folders, runner, site, submission

    cluster, recipe = site.load(given.site), load(given.recipe, given.overrides)
    choice = {"only": given.only, "first": given.first, "until": given.until}
    job = runner.job(recipe, given.runs, console, StopRequest(), **choice)
    folder, _ = folders.find(recipe, given.runs)
    made = submission.scripts(job, cluster, folder)
    if not made:
        console.print(f"nothing to submit: all stages of {folder} are done", markup=False, highlight=False)
    elif given.dry_run:
        console.print("\n".join(script.text for script in made), markup=False, highlight=False, end="")
    else:
        folder = folders.claim(recipe, given.runs)
        for stage, number in submission.submit(made, folder):
            console.print(f"{stage}: job {number}", markup=False, highlight=False)
        console.print(
            f"scripts and logs: {folder / submission.SCRIPTS}", markup=False, highlight=False, style="dim"
        )
