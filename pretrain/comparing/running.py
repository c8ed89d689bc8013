"""Make the cells that are not made yet. A cell that diverges is noted and counted, and the others go on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import xxhash
from rich.console import Console

from corpora import disk
from corpora.errors import Diverged, Interrupted, MaskwrightError
from pretrain import notes
from pretrain.comparing.cells import Cell, Comparison
from pretrain.launch.signals import StopRequest
from pretrain.reading.header import LONGEST_NAME
from pretrain.recipe import slug
from pretrain.running import runner
from pretrain.running.chain import Link

RESULTS = "comparisons"  # below the folder of all runs
NOTES = "diverged.jsonl"


def folder_of(comparison: Comparison, runs: Path) -> Path:
    """Where the tables go; seeds are no part of it, so that a sixth joins the five."""
    name = slug(comparison.name)
    if len(name.encode()) == LONGEST_NAME:  # cut, perhaps: the rest tells comparisons apart as well
        name = f"{slug(name[: LONGEST_NAME - 30])}~{xxhash.xxh3_64_hexdigest(comparison.name.encode())}"
    return runs / RESULTS / name


def make(comparison: Comparison, runs: Path, console: Console, stop: StopRequest) -> None:
    """Make all cells, one after the other.

    Raises:
        Interrupted: a signal came; what was finished stays, and the same command goes on.
        MaskwrightError: a cell failed by anything but divergence.
    """
    folder = folder_of(comparison, runs)
    for number, cell in enumerate(comparison.cells, start=1):
        if stop:
            raise Interrupted(f"stopped by {stop.name}: the same command goes on with the cells left")
        job = job_of(cell, runs, console, stop)
        links = job.links()
        if state(comparison, job, links, diverged(folder)):
            continue
        title = f"cell {number} of {len(comparison.cells)}: {told(comparison, cell)}"
        console.rule(f"[bold]{title.replace('[', chr(92) + '[')}", align="left")
        try:
            runner.run(job)
        except MaskwrightError as error:
            if error.exit_code != Diverged.exit_code:
                raise
            console.print(f"  diverged, and counted as such: {error}", markup=False, highlight=False)
            with disk.writing(folder):
                disk.make_folder(folder)
            notes.append(folder / NOTES, {"run": mark(links), "why": str(error)})


def job_of(cell: Cell, runs: Path, console: Console, stop: StopRequest) -> runner.Job:
    """The run of a cell."""
    return replace(
        runner.job(cell.recipe, runs, console, stop, only=None, first=None, until=None), brief=True
    )


def state(comparison: Comparison, job: runner.Job, links: Sequence[Link], noted: Mapping[str, str]) -> str:
    """`done`, `diverged`, or "" of a cell that is to be made."""
    scores = [link for link in links if link.name in comparison.scored]
    if all(job.store.find(link.config, link.fingerprint) for link in scores):
        return "done"
    return "diverged" if mark(links) in noted else ""


def mark(links: Sequence[Link]) -> str:
    """What a cell is told by: the fingerprints of all that it makes."""
    return " ".join(link.fingerprint for link in links)


def diverged(folder: Path) -> dict[str, str]:
    """The cells that diverged, and what each said."""
    return {row["run"]: row["why"] for row in notes.rows(folder / NOTES)}


def told(comparison: Comparison, cell: Cell) -> str:
    """A cell in a few words."""
    trial = [f"trial {' '.join(comparison.trials[cell.trial])}"] if len(comparison.trials) > 1 else []
    return ", ".join([comparison.arms[cell.arm].label, *trial, f"seed {cell.seed}"])
