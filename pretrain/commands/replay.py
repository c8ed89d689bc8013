"""`maskwright replay`: a step of a run that diverged once more, up to the first number that is none."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from pretrain.training.bundle import Bundle
    from pretrain.training.replay import Finding


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bundle", type=Path, help="the folder that the message of the run names")
    parser.add_argument("--step", type=int, help="which of its steps, as in the log (the first)")


def act(given: argparse.Namespace, console: Console) -> None:
    """Print what the step was, and where its first number that is none appeared."""
    from pretrain.training.replay import replay

    say = partial(console.print, markup=False, highlight=False)
    kept, step, found = replay(given.bundle, given.step)
    rows = kept.rows[str(step)]
    say(
        f"step {step:,}: {len(rows)} rows, micro-batches of {kept.micro_batch}, processes: {kept.world}, "
        f"learning rate {kept.learning_rate:.3g}; steps in this bundle: {', '.join(map(str, kept.steps))}",
        style="bold",
    )
    if kept.checkpoint:
        say(f"saved before it: step {kept.checkpoint:,}, to fork from: {given.bundle.parent}")
    for line in _told(kept, found):
        say(line)


def _told(kept: "Bundle", found: "Finding | None") -> list[str]:
    if found is None:
        return [
            "all numbers are finite here: it takes the engine of the run (ZeRO, loss scale, several devices) "
            "or another device than this one, or was a fault of the machine that has passed"
        ]
    if found.rank is None:
        return [f"the first number that is none: {found.where}"]
    place = f"micro-batch {found.micro_batch} of process {found.rank}"
    lines = [f"the first number that is none: {found.where}, in {place}"]
    for row in found.rows:
        lines.append(f"  row {row:,} of the token set  {'; '.join(kept.documents[str(row)])}")
    return lines if found.rows else [*lines, "  (of which rows, cannot be told)"]
