"""What the cells came to: scores, dev scores and cost, read from the artefacts and records of their runs."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from corpora.artefact import Artefact
from corpora.stage import JSON
from pretrain import notes
from pretrain.comparing import running
from pretrain.comparing.cells import Cell, Comparison
from pretrain.finetuning import Finetune
from pretrain.finetuning.runs import Run
from pretrain.launch.signals import StopRequest
from pretrain.running import folders
from pretrain.running.chain import Link

UNDER, CLEAN, QUERIES = "under ", "clean/", "queries/"
"""How the names of measures of an attack begin: accuracy after it, and before it, and what it asked."""

OWN = "runs/pretrained-"  # the parts of a score that are of its own checkpoint


@dataclass(frozen=True)
class Outcome:
    """One cell that was made."""

    cell: Cell
    scores: Mapping[str, float]  # measure -> mean over the cell's runs; empty of one that diverged
    dev: float | None = None  # by what an epoch is chosen; None where there are no dev rows
    passes: float | None = None  # forward and backward passes of an update
    seconds: float | None = None  # of an update: CPU time where fine-tuning is compared, else by the clock
    constant: bool = False  # in some run, every row got the same answer

    @property
    def diverged(self) -> bool:
        """Whether there is nothing to score."""
        return not self.scores


def read(comparison: Comparison, runs: Path, stage: str) -> list[Outcome]:
    """All cells that are made, or diverged, by the scores of one stage."""
    noted = running.diverged(running.folder_of(comparison, runs))
    found = []
    for cell in comparison.cells:
        job = running.job_of(cell, runs, Console(quiet=True), StopRequest())
        links = {link.name: link for link in job.links()}
        score = job.store.find(links[stage].config, links[stage].fingerprint)
        if score is not None:
            seconds = _seconds(cell, runs, links[comparison.costed or stage])
            found.append(_outcome(cell, score, comparison.scored[stage], seconds))
        elif running.mark([*links.values()]) in noted:
            found.append(Outcome(cell, {}))
    return found


def _outcome(cell: Cell, score: Artefact, config: Finetune, seconds: float | None) -> Outcome:
    mine = [Run.model_validate(score.read_json(name)) for name in score.names(OWN)]
    dev = [run.dev[run.chosen][config.task.chooses_by] for run in mine if run.dev]
    passes = [run.passes for run in mine if run.passes]
    scores = _means([{**run.test, **_attacked(run, config)} for run in mine])
    return Outcome(
        cell,
        scores,
        statistics.fmean(dev) if dev else None,
        statistics.fmean(passes) if passes else None,
        seconds,
        any(run.constant for run in mine),
    )


def _attacked(run: Run, config: Finetune) -> dict[str, float]:
    """Accuracy under each attack, and as details: on the same rows before, and the queries a row."""
    found: dict[str, float] = {}
    for name in (attack.name for attack in config.attacks):
        stood = run.attacked[name]
        found |= {f"{UNDER}{name}": stood.accuracy, f"{CLEAN}{name}": stood.clean}
        found |= {f"{QUERIES}{name}": stood.queries}
    return found


def _means(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over runs of each measure that all of them have."""
    common = [name for name in each[0] if all(name in one for one in each)]
    return {name: statistics.fmean(one[name] for one in each) for name in common}


def _seconds(cell: Cell, runs: Path, link: Link) -> float | None:
    """Time of an update by the record of the run that made an artefact, the cell's own or an earlier one."""
    own, _ = folders.find(cell.recipe, runs)
    for folder in [own, *folders.made(runs)]:
        note = folders.remembered(folder).get(link.name)
        if note is None or Path(str(note["artefact"])).name != link.place.name:
            continue
        rows = [row for row in notes.rows(folder / "metrics.jsonl") if row["stage"] == link.name]
        if found := list(_per_step(rows)):
            return statistics.median(found)
    return None


def _per_step(rows: Sequence[Mapping[str, JSON]]) -> Iterator[float]:
    """CPU seconds of an update where they were taken (fine-tuning), else seconds by the clock."""
    for row in rows:
        if "cpu_seconds" in row and str(row["run"]).startswith("pretrained"):
            yield row["cpu_seconds"] / row["steps"]
        elif row.get("steps_per_second"):
            yield 1 / row["steps_per_second"]
