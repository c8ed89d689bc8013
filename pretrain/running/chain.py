"""The chain of a recipe: each stage with its inputs, its identity, and the place of its artefact.

Fingerprints follow from settings and outside files alone, so the whole chain is known before any work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from corpora.manifest import MANIFEST
from corpora.stage import JSON, Reads, StageSettings, roles_of
from pretrain.recipe import Recipe, nearest
from pretrain.running.store import Store, fingerprint


@dataclass(frozen=True)
class Link:
    """One stage of a recipe, located in the store."""

    name: str
    config: StageSettings
    inputs: Mapping[str, Path]  # role -> folder of the artefact, finished or not
    identity: JSON
    fingerprint: str
    place: Path  # where its own artefact stands, or will stand


def chain(
    recipe: Recipe, store: Store, known: Mapping[str, Mapping[str, JSON]] = MappingProxyType({})
) -> list[Link]:
    """All stages in order.

    `known` is what a former run of the recipe noted (see `folders.remembered`): once a stage is done, the
    files that it read from outside need not be there any more.

    Raises:
        BadData: a file from outside is missing.
        UsageError: a role names a folder that holds no artefact of the kind it reads.
    """
    links: dict[str, Link] = {}
    for name, config in recipe.stages.items():
        inputs: dict[str, Path] = {}
        prints: dict[str, str] = {}
        for role, source in recipe.roles[name].items():
            if source in links:
                inputs[role], prints[role] = links[source].place, links[source].fingerprint
            else:
                artefact = opened(Path(source), roles_of(type(config))[role])
                inputs[role], prints[role] = artefact.path, artefact.fingerprint
        identity = _identity(config, prints, store, known.get(name))
        print_ = fingerprint(identity)
        links[name] = Link(name, config, inputs, identity, print_, store.place(config, print_))
    return list(links.values())


def opened(place: Path, role: Reads) -> Artefact:
    """The artefact in a folder; for a role that may read one, the finished parts of a draft."""
    if role.unfinished and not (place / MANIFEST).is_file():
        return Artefact.unfinished(place, role.kind)
    return Artefact.open(place, role.kind)


def _identity(
    config: StageSettings, prints: Mapping[str, str], store: Store, known: Mapping[str, JSON] | None
) -> JSON:
    """Identity of a stage by the files it reads; without them, that of the same stage as it was finished."""
    try:
        return store.identity(config, prints)
    except BadData:
        if known is None:
            raise
        before = store.identity(config, prints, known["identity"]["outside"])
        if before != known["identity"] or store.find(config, fingerprint(before)) is None:
            raise
        return before


def selected(names: Sequence[str], only: str | None, first: str | None, until: str | None) -> list[str]:
    """The stages that `--only`, `--from` and `--until` leave, in order.

    >>> selected(["shards", "tokens", "train"], None, "tokens", None)
    ['tokens', 'train']
    """
    for flag, name in (("--only", only), ("--from", first), ("--until", until)):
        if name is not None and name not in names:
            raise UsageError(
                f"{flag} {name}: no stage of that name{nearest(name, names)} (stages: {' '.join(names)})"
            )
    if only is not None:
        if first or until:
            raise UsageError(f"--only {only} stands alone: leave out --from and --until")
        return [only]
    start = names.index(first) if first else 0
    stop = names.index(until) + 1 if until else len(names)
    if start >= stop:
        raise UsageError(f"--from {first} comes after --until {until}: nothing to do")
    return list(names[start:stop])
