"""Export any kept step of a run, whether its training is finished or not."""

from collections.abc import Iterator
from pathlib import Path

from corpora import disk
from corpora.artefact import Artefact, Draft
from corpora.errors import CorruptArtefact, UsageError
from corpora.manifest import MANIFEST
from corpora.parts import title_of
from corpora.reporter import Quiet
from pretrain import launch
from pretrain.export import Export, export
from pretrain.recipe import Recipe, load
from pretrain.running import folders
from pretrain.running.chain import chain
from pretrain.running.locks import locked
from pretrain.running.store import Store, fingerprint
from pretrain.training import checkpoints
from pretrain.training.settings import Train


def release(run: Path, step: int | None, stage: str | None, to: Path | None) -> Artefact:
    """Export a step of a run (the last one kept, if none is named) to `to`, or to a folder in the run's.

    `run` may also be the folder of a training stage itself. Done before, it is not done again.

    Raises:
        UsageError: there is no such run, stage or step; the folder holds something else.
    """
    config, source, name = _found(run, stage)
    if not source.names(checkpoints.PREFIX):
        raise UsageError(f"{run} has no checkpoints yet: training has not saved any")
    step = checkpoints.chosen(source, step)
    config = config.model_copy(update={"step": step})
    place = to if to is not None else run / f"{name}-{checkpoints.part(step)}"
    identity = Store(place.parent).identity(config, {"checkpoint": source.fingerprint})
    print_ = fingerprint(identity)
    with locked(place.with_name(place.name + ".lock"), str(place), launch.job()):
        if (place / MANIFEST).is_file() and (done := Artefact.open(place)).fingerprint == print_:
            return done
        if place.exists():
            raise UsageError(f"{place} is there already and is not this export; name another --to FOLDER")
        draft = Draft.open(place, config.makes, print_)
        try:
            return draft.commit(export(config, {"checkpoint": source}, draft, Quiet()), identity)
        except (FileNotFoundError, CorruptArtefact) as error:
            if (source.path / checkpoints.part(step)).is_dir():
                raise
            disk.remove(draft.path)
            raise UsageError(
                f"training goes on in {run} and dropped step {step} meanwhile: name another --step, "
                "or let it keep more (keep_last, keep_every)"
            ) from error


def _found(run: Path, stage: str | None) -> tuple[Export, Artefact, str]:
    """What the run's recipe says of exports, its checkpoints, and how its exports' names begin."""
    if (run / MANIFEST).is_file():
        return Export(), Artefact.open(run, Train.makes), Export.makes
    if title_of(run) is not None:
        return Export(), Artefact.unfinished(run, Train.makes), Export.makes
    if not (run / folders.RECIPE).is_file():
        raise UsageError(f"{run} is no folder of a run (no {folders.RECIPE} in it); runs are under runs/")
    recipe = load(str(run / folders.RECIPE))
    begun = dict(_trained(recipe, run))
    name = folders.chosen(begun, stage, run, "checkpoints")
    ours = Export.makes if folders.alone(name, recipe) else f"{Export.makes}-{name}"
    return _wishes(recipe, name), begun[name], ours


def _trained(recipe: Recipe, run: Path) -> Iterator[tuple[str, Artefact]]:
    """The training stages that were finished, as the run notes them, and those that were begun."""
    made = folders.results(run)
    for name in (name for name, config in recipe.stages.items() if isinstance(config, Train)):
        if name in made:
            yield name, made[name]
        elif (draft := _draft(recipe, run, name)) is not None:
            yield name, Artefact.unfinished(draft, Train.makes)


def _draft(recipe: Recipe, run: Path, stage: str) -> Path | None:
    """Where a training stage that is not finished stands."""
    store = Store(run.parent / ".store")
    link = next(link for link in chain(recipe, store, folders.remembered(run)) if link.name == stage)
    return store.started(link.config, link.fingerprint)


def _wishes(recipe: Recipe, stage: str) -> Export:
    """The export stage of this training, for the licence and languages that it says; else none."""
    exports = ((name, one) for name, one in recipe.stages.items() if isinstance(one, Export))
    fitting = (one for name, one in exports if recipe.roles[name].get("checkpoint") == stage)
    return next(fitting, Export())
