"""The batches of a recipe's training stage, opened without training: from finished artefacts alone."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.launch.signals import StopRequest
from pretrain.loading import Loader
from pretrain.recipe import Recipe, nearest
from pretrain.running import runner
from pretrain.running.chain import Link
from pretrain.training.material import open_loader
from pretrain.training.settings import Train

READ = ("data", "lexicon")  # roles of training that decide what it is shown


@dataclass(frozen=True)
class Opened:
    """A training stage's batches, and where they come from."""

    stage: str
    config: Train
    loader: Loader
    tokens: Artefact
    shards: Path | None  # the text of the token set, where it is still at hand


def open_training(recipe: Recipe, runs: Path, stage: str | None, again: Sequence[str]) -> Opened:
    """Open the batches of `stage`; left out, of the only one that trains.

    `again` is the command line's recipe and overrides, for messages.

    Raises:
        UsageError: no such stage trains, or what it reads is not made yet.
    """
    job = runner.job(recipe, runs, Console(quiet=True), StopRequest(), only=None, first=None, until=None)
    links = {link.name: link for link in job.links()}
    name, config = _chosen(recipe, stage)
    link = links[name]
    places = {role: link.inputs[role] for role in READ if role in link.inputs}
    missing = [role for role, place in places.items() if not place.exists()]
    if missing:
        raise UsageError(_unmade(recipe, link, missing, runs, again))
    inputs = {role: Artefact.open(place) for role, place in places.items()}
    tokens = inputs["data"]
    return Opened(link.name, config, open_loader(config, inputs, "train"), tokens, _shards(links, tokens))


def check_step(opened: Opened, step: int) -> None:
    """Raise UsageError unless training takes this step, counted from 1."""
    if not 1 <= step <= opened.config.steps:
        raise UsageError(
            f"there is no step {step:,}: {opened.stage} takes steps 1 to {opened.config.steps:,} "
            "(counted from 1, as in its log)"
        )


def _chosen(recipe: Recipe, stage: str | None) -> tuple[str, Train]:
    """The training stage that is meant."""
    found = {name: config for name, config in recipe.stages.items() if isinstance(config, Train)}
    name = next(iter(found)) if stage is None and len(found) == 1 else stage
    if name in found:
        return name, found[name]
    if not found:
        raise UsageError(f"no stage of {recipe.name} trains, so there are no masks to look at")
    if name is None:
        raise UsageError(f"several stages train: say which by --stage ({' '.join(found)})")
    raise UsageError(
        f"--stage {name}: no such stage trains{nearest(name, found)} (stages: {' '.join(found)})"
    )


def _unmade(recipe: Recipe, link: Link, missing: Sequence[str], runs: Path, again: Sequence[str]) -> str:
    """Which command makes what is missing."""
    order = list(recipe.stages)
    names = sorted((str(recipe.roles[link.name][role]) for role in missing), key=order.index)
    place = [] if runs == Path("runs") else ["--runs", str(runs)]
    command = shlex.join(["maskwright", "run", *again, *place, "--until", names[-1]])
    return f"{link.name} reads {' and '.join(names)}, not made yet; make it first: {command}"


def _shards(links: Mapping[str, Link], tokens: Artefact) -> Path | None:
    """The shards that a token set was made from: the recipe's own, or those beside it in its store."""
    places = [link.inputs["shards"] for link in links.values() if link.place == tokens.path]
    if isinstance(tokens.identity, Mapping) and "shards" in tokens.identity.get("inputs", {}):
        places.append(tokens.path.parent / f"shards-{tokens.identity['inputs']['shards']}")
    return next((place for place in places if place.exists()), None)
