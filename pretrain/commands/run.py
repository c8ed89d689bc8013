"""`maskwright run RECIPE`: make what is not made yet; also what each rank of a job runs."""

import argparse
import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from corpora.errors import Interrupted, MaskwrightError, UsageError
from pretrain.commands import options, plan

if TYPE_CHECKING:
    from pretrain.launch import Fleet


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    options.recipe(parser)
    options.stages(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan, do nothing")
    parser.add_argument(
        "--hostfile", type=Path, metavar="FILE", help="train on these hosts; a line for each: node1 slots=8"
    )
    parser.add_argument("--ssh", metavar="WORDS", help="what reaches a host of the hostfile (ssh)")


def act(given: argparse.Namespace, console: Console) -> None:
    """Run the stages, as the only process, the parent of others, or one rank of several."""
    if given.dry_run:
        plan.act(given, console)
        return
    from pretrain.launch.signals import listening

    with listening() as stop:
        from pretrain.recipe import load

        recipe = load(given.recipe, given.overrides)
        from pretrain import launch
        from pretrain.running import runner

        launch.settle()
        if launch.launched():
            launch.end_with_parent()
        choice = {"only": given.only, "first": given.first, "until": given.until}
        job = replace(runner.job(recipe, given.runs, console, stop, **choice), fleet=_fleet(given))
        with _ended_as_a_rank():
            runner.follow(job) if launch.rank() else runner.run(job)


@contextlib.contextmanager
def _ended_as_a_rank() -> Iterator[None]:
    """The end of one of several: signals come to each of them, and a parent of ours speaks for all."""
    from pretrain import launch
    from pretrain.launch.signals import deafen

    try:
        yield
    except MaskwrightError as error:
        stopped = launch.rank() > 0 and isinstance(error, Interrupted)
        if launch.launched() and (stopped or error.exit_code == launch.LOST):
            launch.leave(error.exit_code)
        raise
    finally:
        if launch.is_rank():  # all stopped together: a signal that comes late must not change this one's code
            deafen()


def _fleet(given: argparse.Namespace) -> "Fleet | None":
    from pretrain import launch

    if given.hostfile is None:
        if given.ssh is not None:
            raise UsageError("--ssh says how to reach the hosts of a hostfile: give --hostfile FILE, too")
        return None
    if launch.is_rank():
        raise UsageError(
            "--hostfile is for a process that no launcher started; srun and torchrun start the ranks "
            "themselves: leave it out"
        )
    return launch.Fleet(launch.read(given.hostfile), shlex.split(given.ssh or launch.SSH))
