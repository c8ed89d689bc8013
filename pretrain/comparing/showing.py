"""What a person sees of a comparison before and after the work."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as Grid

from pretrain.comparing import running
from pretrain.comparing.cells import Comparison
from pretrain.comparing.table import Table
from pretrain.comparing.telling import told
from pretrain.launch.signals import StopRequest
from pretrain.running.planning import Figure, costs_of, duration

MOST_LINES = 8
LONGEST = 160  # letters of a difference


def head(comparison: Comparison, console: Console) -> None:
    """Arms, their differences, seeds and trials."""
    console.rule(f"[bold]{comparison.title}", align="left")
    labels = [arm.label for arm in comparison.arms]
    lines = [f"arms: {', '.join(labels)}; differences are to {labels[0]}"]
    for arm in comparison.arms:  # a word that took over settings of the recipe
        kept = [text for text in arm.overrides if "={" in text and text.partition("=")[2] not in arm.label]
        lines += [f"  {arm.label} is {text}" for text in kept]
    for label, recipe in zip(labels[1:], comparison.recipes[1:], strict=True):
        differences = told(comparison.recipes[0], recipe)
        lines += [f"  {label}: {_cut(line)}" for line in differences[:MOST_LINES]]
        lines += [f"  {label}: and {len(differences) - MOST_LINES} more"] if differences[MOST_LINES:] else []
    lines.append(f"seeds: {' '.join(map(str, comparison.seeds))} ({comparison.seeded})")
    if len(comparison.trials) > 1:
        lines.append(f"every arm tries: {'; '.join(' '.join(trial) for trial in comparison.trials)}")
    if comparison.left_out:
        lines.append(f"the same in all arms, and left out: {' '.join(comparison.left_out)}")
    console.print("\n".join(lines), markup=False, highlight=False)


def plan(comparison: Comparison, runs: Path, console: Console) -> None:
    """How many cells are made, and what the others would take."""
    grid = Grid(title="Cells", title_justify="left", title_style="bold")
    for heading in (
        "arm",
        *(["settings"] if len(comparison.trials) > 1 else []),
        "done",
        "to do",
        "diverged",
    ):
        grid.add_column(heading, overflow="fold")
    states, seconds = _states(comparison, runs, console)
    for a, arm in enumerate(comparison.arms):
        for t, trial in enumerate(comparison.trials):
            mine = [states[a, t, seed] for seed in comparison.seeds]
            counts = [str(mine.count(state)) for state in ("done", "", "diverged")]
            grid.add_row(arm.label, *([" ".join(trial)] if len(comparison.trials) > 1 else []), *counts)
    console.print(grid)
    left = [*states.values()].count("")
    took = f", {duration(seconds)} (guessed)" if left else ""
    console.print(f"{len(states)} cells, {left} to do{took}; nothing was done", markup=False, highlight=False)


def _states(
    comparison: Comparison, runs: Path, console: Console
) -> tuple[Mapping[tuple[int, int, int], str], float]:
    """The state of every cell, and seconds of the stages to do; what cells share is counted once."""
    noted = running.diverged(running.folder_of(comparison, runs))
    states: dict[tuple[int, int, int], str] = {}
    costs: dict[str, float] = {}
    for cell in comparison.cells:
        job = running.job_of(cell, runs, console, StopRequest())
        links = job.links()
        states[cell.arm, cell.trial, cell.seed] = state = running.state(comparison, job, links, noted)
        flow: dict[str, Figure] = {}
        for link in links if not state else ():
            known = costs_of(link, job.store, flow)
            flow |= known.amounts
            if known.time and job.store.find(link.config, link.fingerprint) is None:
                costs[link.fingerprint] = known.time.value
    return states, sum(costs.values())


def tables(found: Sequence[tuple[str, Table]], files: Sequence[Path], console: Console) -> None:
    """The tables, and where they are."""
    for _, table in found:
        console.print(table.markdown(), markup=False, highlight=False)
    console.print(f"written: {files[0].parent}", markup=False, highlight=False)
    console.print(f"  {' '.join(file.name for file in files)}", markup=False, highlight=False, style="dim")


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
