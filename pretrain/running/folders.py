"""The folder of a run, `runs/<name>/`: the effective recipe, the log, the metrics, links to its results."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora import disk
from corpora.artefact import Artefact
from corpora.errors import UsageError
from corpora.manifest import MANIFEST
from corpora.stage import JSON
from pretrain import notes
from pretrain.recipe import Recipe, RecipeError, load

RECIPE = "recipe.yaml"
STAGES = "stages.json"
SPOKEN = {"tokens": "token set"}  # kinds of artefacts, where a person says it in other words
SHOWN = {"export": "export", "score": "finetune"}  # kind of artefact -> name of its link in a run's folder


def candidates(recipe: Recipe, runs: Path) -> Iterator[Path]:
    """`runs/name`, `runs/name~2`, `runs/name~3`, ...: where a run of this recipe may be."""
    yield runs / recipe.name
    number = 2
    while True:
        yield runs / f"{recipe.name}~{number}"
        number += 1


def find(recipe: Recipe, runs: Path) -> tuple[Path, Path | None]:
    """The folder of this recipe's run, made or not, and the newest of the same name with other settings.

    Two recipes share a folder where they differ in asides alone; else the second gets `~2` behind its name.
    """
    before = None
    for folder in candidates(recipe, runs):
        saved = folder / RECIPE
        if not saved.exists():
            return folder, before
        if _same(saved, recipe):
            return folder, None
        before = folder
    raise AssertionError("candidates never end")


def _same(saved: Path, recipe: Recipe) -> bool:
    """Is the recipe in a run's folder this one, asides left out? One that cannot be read any more is not."""
    if saved.read_text("utf-8") == recipe.effective():
        return True
    with contextlib.suppress(RecipeError):
        return load(str(saved)).essence() == recipe.essence()
    return False


def made(runs: Path) -> list[Path]:
    """The folders of all runs so far."""
    return sorted(saved.parent for saved in runs.glob(f"*/{RECIPE}"))


def claim(recipe: Recipe, runs: Path) -> Path:
    """The folder of this recipe's run, made if need be."""
    while True:
        folder, _ = find(recipe, runs)
        if (folder / RECIPE).exists():
            return folder
        with disk.writing(folder):
            disk.make_folder(folder)
            draft = folder / f"{RECIPE}.{os.getpid()}"
            draft.write_text(recipe.effective(), "utf-8")
            with contextlib.suppress(FileExistsError):
                os.link(draft, folder / RECIPE)  # appears whole, and only for the first who tries
            disk.remove(draft)


def keep(folder: Path, recipe: Recipe) -> None:
    """Let the recipe in a run's folder say the asides of now. Whoever holds the folder's lock may."""
    if (folder / RECIPE).read_text("utf-8") != recipe.effective():
        notes.write(folder / RECIPE, recipe.effective())


def remember(folder: Path, stage: str, identity: JSON, place: Path) -> None:
    """Note what a stage was made from, so that a later plan can say which key changed."""
    known = remembered(folder)
    fresh = {**known, stage: {"identity": identity, "artefact": os.path.relpath(place, folder)}}
    if fresh != known:
        notes.write(folder / STAGES, json.dumps(fresh, indent=1, ensure_ascii=False, sort_keys=True))


def remembered(folder: Path) -> Mapping[str, Mapping[str, JSON]]:
    """What `remember` noted, by stage."""
    path = folder / STAGES
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def results(path: Path) -> dict[str, Artefact]:
    """What the run in `path` made or read and is still there, by stage.

    Raises:
        CorruptArtefact: it is damaged.
    """
    noted = {name: (path / str(note["artefact"])).resolve() for name, note in remembered(path).items()}
    return {name: Artefact.open(place) for name, place in noted.items() if (place / MANIFEST).is_file()}


def the_only(path: Path, kind: str) -> Artefact:
    """The artefact of a kind in `path`, or the only one of that kind that the run in `path` made or read.

    Raises:
        UsageError: there is none, or there are several.
        CorruptArtefact: it is damaged.
    """
    if (path / MANIFEST).is_file():
        return Artefact.open(path, kind)
    made = results(path)
    found = {name: artefact for name, artefact in made.items() if artefact.kind == kind}
    if len(found) == 1:
        return next(iter(found.values()))
    what = SPOKEN.get(kind, kind)
    if found:
        places = ", ".join(f"{name}: {artefact.path}" for name, artefact in found.items())
        raise UsageError(f"{path} has several {what.removesuffix('s')}s, give one of them ({places})")
    there = f"no {MANIFEST} there, nor notes of a run with {kind}" if path.exists() else "no such folder"
    if (path / RECIPE).is_file():
        there = "its stages are not done yet: run it"
    has = f"it has {', '.join(made)}" if made else there
    raise UsageError(f"{path} holds no {what} ({has}); give the folder of one, or of a run")


def chosen(found: Mapping[str, Artefact], stage: str | None, run: Path, what: str) -> str:
    """The stage that is asked for, or the only one there is; `found` are those of `run` that have `what`.

    Raises:
        UsageError: there is none, or there are several.
    """
    if stage is not None:
        if stage in found:
            return stage
        has = ", ".join(found) or "none"
        raise UsageError(f"{run} has no {what} of a stage {stage!r} (it has: {has})")
    if not found:
        raise UsageError(f"{run} has no {what} yet: its stages are not done, run it")
    if len(found) > 1:
        raise UsageError(f"{run} has several stages with {what}, say --stage: {', '.join(found)}")
    return next(iter(found))


def alone(stage: str, recipe: Recipe) -> bool:
    """Is it the only stage of the recipe that makes such an artefact?"""
    kinds = [config.makes for config in recipe.stages.values()]
    return kinds.count(recipe.stages[stage].makes) == 1


def shown(folder: Path, stage: str, recipe: Recipe) -> Path | None:
    """The link in the run's folder to what a stage makes: `export`, `finetune`; None for other kinds.

    Where several stages make such, each has a link of its own: `finetune-score`, `finetune-score_tags`.
    """
    name = SHOWN.get(recipe.stages[stage].makes)
    if name is None:
        return None
    return folder / (name if alone(stage, recipe) else f"{name}-{stage}")


def show(folder: Path, stage: str, recipe: Recipe, place: Path) -> None:
    """Let the link of a stage, if it has one, point to its finished artefact."""
    if link := shown(folder, stage, recipe):
        draft = link.with_name(f"{link.name}.writing")
        with disk.writing(link):
            disk.remove(draft)
            draft.symlink_to(os.path.relpath(place, folder), target_is_directory=True)
            disk.replace(draft, link)
