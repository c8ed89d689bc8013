"""Run the stages of a recipe in order: skip what is done, resume what was begun, show what was made."""

import contextlib
import shlex
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted, UsageError
from corpora.paths import refuse_inside
from corpora.reporter import Reporter
from corpora.sharding import Shard, shard
from corpora.stage import Report, StageSettings, roles_of
from pretrain import launch, notes, versions
from pretrain.export import Export, export, how_to_open
from pretrain.finetuning import Finetune, finetune
from pretrain.launch.signals import StopRequest
from pretrain.recipe import Recipe
from pretrain.report.page import write_report
from pretrain.running import folders
from pretrain.running.chain import Link, chain, opened, selected
from pretrain.running.console import Listener, RunReporter, log
from pretrain.running.locks import locked
from pretrain.running.store import Store
from pretrain.tracking import check_installed
from pretrain.training.stage import Train, train
from tokenization.encoding import Encode, encode
from tokenization.lexicon.building import Lexicon, lexicon

SHOWN_SECONDS = 90  # network file systems remember for up to a minute that something was not there
StageFunction = Callable[[Any, Mapping[str, Artefact], Draft, Reporter], Report]
Made = Sequence[tuple[Link, Artefact]]

STAGES: Mapping[type[StageSettings], StageFunction] = {
    Shard: shard,
    Encode: encode,
    Lexicon: lexicon,
    Train: train,
    Export: export,
    Finetune: finetune,
}


@dataclass(frozen=True)
class Job:
    """One run of a recipe: what is to be done, where, and who is told."""

    recipe: Recipe
    runs: Path  # the folder of all runs and of their store
    wanted: Sequence[str]  # stages to make
    console: Console
    stop: StopRequest
    fleet: launch.Fleet | None = None  # hosts to train on; None: this machine
    brief: bool = False  # one of many runs: say nothing of what is done already

    @property
    def store(self) -> Store:
        """Where artefacts live."""
        return Store(self.runs / ".store")

    def links(self) -> list[Link]:
        """All stages of the recipe, located in the store."""
        folder, _ = folders.find(self.recipe, self.runs)
        return chain(self.recipe, self.store, folders.remembered(folder))


def job(recipe: Recipe, runs: Path, console: Console, stop: StopRequest, **selection: str | None) -> Job:
    """A job of the stages that `only`, `first` and `until` leave."""
    return Job(recipe, runs, selected(list(recipe.stages), **selection), console, stop)


def run(job: Job) -> None:
    """Make every wanted artefact.

    Raises:
        MaskwrightError: of the stage that failed; what was finished before stays finished.
    """
    links = job.links()
    _check_trackers(links, job)
    folder = folders.claim(job.recipe, job.runs)
    with _locked(folder / "lock", str(folder)):
        folders.keep(folder, job.recipe)
        _say_hello(job)
        _note_versions(job, folder)
        made = []
        for link in links:
            if link.name in job.wanted:
                made.append((link, make(link, job, folder)))
                folders.remember(folder, link.name, link.identity, link.place)
                folders.show(folder, link.name, job.recipe, link.place)
        if not launch.launched():
            page = _draw(job, folder)
            if not job.brief:
                job.console.print(_overview(made, folder, job.recipe))
                said = [f"report: {page}", *_next_steps(made, folder, job.recipe)]
                job.console.print("\n".join(said), markup=False, highlight=False)


def follow(job: Job) -> None:
    """The part of a rank other than 0: wait for what rank 0 makes alone, train with it."""
    for link in job.links():
        if link.name not in job.wanted:
            continue
        if isinstance(link.config, Train) and job.store.find(link.config, link.fingerprint) is None:
            for place in link.inputs.values():
                _when_there(place, job.stop)
            inputs = {role: _finished(link, role) for role in link.inputs}
            draft = Draft(link.place, link.config.makes, link.fingerprint)  # rank 0 alone writes in it
            train(link.config, inputs, draft, Listener(job.stop))
        else:
            _when_there(link.place, job.stop)


def make(link: Link, job: Job, folder: Path) -> Artefact:
    """The artefact of one stage: found finished, or made now."""
    artefact = job.store.find(link.config, link.fingerprint)
    if artefact is not None:
        if not job.brief:
            job.console.print(f"[bold]{link.name}[/] [dim]done before[/]")
            _tell(job.console, artefact)
        return artefact
    if job.stop:
        raise Interrupted(f"stopped by {job.stop.name} before {link.name}: the same command goes on")
    begun = job.store.started(link.config, link.fingerprint) is not None
    if not launch.launched():
        job.console.print(f"[bold]{link.name}[/] {'goes on where it stopped' if begun else 'runs'}")
    started = time.monotonic()
    with _locked(link.place.with_name(link.place.name + ".lock"), f"the artefact of stage {link.name}"):
        # Another run may have made it between that look and this lock.
        artefact = job.store.find(link.config, link.fingerprint) or _work(link, job, folder)
    seconds = time.monotonic() - started
    if not launch.launched():
        _note_time(job.store, link, seconds)
        log(folder, f"{link.name}: {seconds:.1f} s: {artefact.summary}")
        _tell(job.console, artefact)
        job.console.print(f"  [green]done[/] in {seconds:.0f} s")
    return artefact


def _work(link: Link, job: Job, folder: Path) -> Artefact:
    """Do the stage's work in this process, or in several."""
    inputs = {role: _finished(link, role) for role in link.inputs}
    if isinstance(link.config, Train) and _train_in_ranks(link.name, link.config, job, folder):
        return _when_shown(link.place, link.config.makes)
    if isinstance(link.config, Shard):
        for results in (job.store.root, *folders.made(job.runs)):
            refuse_inside(link.config.outside(), results)
    with contextlib.closing(_reporter(link, job, folder)) as reporter:
        draft = Draft.open(link.place, link.config.makes, link.fingerprint, reporter.say)
        report = STAGES[type(link.config)](link.config, inputs, draft, reporter)
        return draft.commit(report, link.identity)


def _train_in_ranks(stage: str, config: Train, job: Job, folder: Path) -> bool:
    """Train in several processes, of this machine or of others; False where this one is to do it."""
    recipe = folder / folders.RECIPE
    words = launch.command(recipe, job.runs, stage)
    if job.fleet:
        config.refuse_more_than_rows(job.fleet.world)
        launch.start_fleet(words, job.fleet, recipe, job.stop)
        return True
    count = launch.processes_for(config.speed.processes)
    config.refuse_more_than_rows(count)
    if count > 1:
        launch.start_ranks(words, count, job.stop)
    return count > 1


def _check_trackers(links: Sequence[Link], job: Job) -> None:
    """Refuse a tracker that is not installed before any work is done."""
    for link in (link for link in links if link.name in job.wanted):
        done = job.store.find(link.config, link.fingerprint)
        if isinstance(link.config, Train) and done is None:
            check_installed(link.config.trackers)


def _reporter(link: Link, job: Job, folder: Path) -> RunReporter:
    """Who speaks for a stage: one that trains is shown to trackers, and draws the report page as it goes."""
    config = link.config
    if not isinstance(config, Train):
        return RunReporter(job.console, folder, link.name, job.stop)
    told, draw = config.model_dump(mode="json"), partial(_draw, job, folder, link.name)
    return RunReporter(job.console, folder, link.name, job.stop, config.trackers, told, draw)


def _draw(job: Job, folder: Path, running: str = "") -> Path:
    """The report page of what there is by now."""
    return write_report(folder, job.recipe, list(_finished_stages(job.links(), job.store)), running)


def _finished(link: Link, role: str) -> Artefact:
    """An artefact that a stage reads; with `--only` and `--from` it must be there already."""
    if not (place := link.inputs[role]).exists():
        raise UsageError(
            f"{link.name} reads {role}, which is not made yet: run once without --only and --from"
        )
    return opened(place, roles_of(type(link.config))[role])


def _when_there(place: Path, stop: StopRequest) -> None:
    """Wait for an artefact that rank 0 makes."""
    while not place.exists():
        if stop:
            raise Interrupted(f"stopped by {stop.name} while waiting for {place}")
        time.sleep(1.0)


def _when_shown(place: Path, kind: str) -> Artefact:
    """An artefact that a rank has finished; a shared disk may be slow to show it to another host."""
    for _ in range(SHOWN_SECONDS):
        if place.exists():
            break
        time.sleep(1.0)
    return Artefact.open(place, kind)


def _finished_stages(links: Sequence[Link], store: Store) -> Iterator[tuple[str, Artefact]]:
    """All that the recipe has by now, whether this run made it or an earlier one."""
    for link in links:
        if (artefact := store.find(link.config, link.fingerprint)) is not None:
            yield link.name, artefact


def _locked(path: Path, what: str) -> contextlib.AbstractContextManager[None]:
    """A lock; for a rank that was started by a process of ours, that process holds it."""
    return contextlib.nullcontext() if launch.launched() else locked(path, what, launch.job())


def _note_time(store: Store, link: Link, seconds: float) -> None:
    """Keep how long a stage took, for later plans: clock times have no place in artefacts."""
    row = {"kind": link.config.makes, "fingerprint": link.fingerprint, "seconds": round(seconds, 1)}
    notes.append(store.root / "times.jsonl", row)


def _note_versions(job: Job, folder: Path) -> None:
    """Note the libraries' versions, and say which are not those that the run was last at work with."""
    if not launch.launched():
        for line in versions.note(folder):
            job.console.print(f"  {line} since this run was last at work", markup=False, highlight=False)


def _say_hello(job: Job) -> None:
    if not (launch.launched() or job.brief):
        job.console.rule(f"[bold]{job.recipe.name}", align="left")
        job.console.print(job.recipe.description.strip(), markup=False, highlight=False, style="dim")


def _tell(console: Console, artefact: Artefact) -> None:
    if not launch.launched():
        console.print(f"  {artefact.summary}", markup=False, highlight=False)


def _overview(made: Made, folder: Path, recipe: Recipe) -> Table:
    """What was made, and where."""
    table = Table(title="What was made", title_justify="left", title_style="bold")
    for heading in ("stage", "what", "where"):
        table.add_column(heading, overflow="fold")
    for link, artefact in made:
        place = folders.shown(folder, link.name, recipe) or artefact.path
        table.add_row(link.name, artefact.summary, str(place))
    return table


def _next_steps(made: Made, folder: Path, recipe: Recipe) -> Iterator[str]:
    """How to use what was made, ready to paste."""
    for link, artefact in made:
        if isinstance(link.config, Export):
            place = folders.shown(folder, link.name, recipe) or artefact.path
            yield f"load the checkpoint ({link.name}):"
            yield textwrap.indent(how_to_open(artefact, place), "  ")
        if isinstance(link.config, Finetune):
            which = [] if folders.alone(link.name, recipe) else ["--stage", link.name]
            yield f"use the fine-tuned network ({link.name}):"
            yield f"  {shlex.join(['maskwright', 'predict', str(folder), *which, 'FILE'])}"
