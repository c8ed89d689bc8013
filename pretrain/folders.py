"""The folder of a run, `runs/<name>/`: the effective recipe, the log, the metrics, links to its results."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora import disk
from corpora.stage import JSON
from pretrain import notes
from pretrain.recipe import Recipe

RECIPE = "recipe.yaml"
STAGES = "stages.json"
SHOWN = {"export": "export", "score": "finetune"}  # kind of artefact -> name of the link to the newest one


def candidates(recipe: Recipe, runs: Path) -> Iterator[Path]:
    """`runs/name`, `runs/name~2`, `runs/name~3`, ...: where a run of this recipe may be."""
    yield runs / recipe.name
    number = 2
    while True:
        yield runs / f"{recipe.name}~{number}"
        number += 1


def find(recipe: Recipe, runs: Path) -> tuple[Path, Path | None]:
    """The folder of this recipe's run, made or not, and the newest of the same name with other settings.

    Two different effective recipes never share a folder: the second one gets `~2` behind its name.
    """
    text, before = recipe.effective(), None
    for folder in candidates(recipe, runs):
        saved = folder / RECIPE
        if not saved.exists():
            return folder, before
        if saved.read_text("utf-8") == text:
            return folder, None
        before = folder
    raise AssertionError("candidates never end")


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


def show(folder: Path, kind: str, place: Path) -> None:
    """Let `export` or `finetune` in the run's folder point to a finished artefact."""
    if kind in SHOWN:
        link, draft = folder / SHOWN[kind], folder / (SHOWN[kind] + ".writing")
        with disk.writing(link):
            disk.remove(draft)
            draft.symlink_to(os.path.relpath(place, folder), target_is_directory=True)
            disk.replace(draft, link)
