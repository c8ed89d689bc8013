"""Recipes: one YAML file, what it extends and the command line's overrides -> a frozen, checked value.

Everything that is wrong is found before any work and told at once, one line each, with file, line and column.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from corpora.stage import StageSettings, asides_of
from pretrain.contradictions import Stages, contradictions
from pretrain.kinds import KINDS
from pretrain.reading.checking import check
from pretrain.reading.declared import declare
from pretrain.reading.difference import difference
from pretrain.reading.header import LONGEST_NAME, Header
from pretrain.reading.inputs import escape, substitute
from pretrain.reading.layers import Layers
from pretrain.reading.nodes import Node
from pretrain.reading.problems import Place, Problem, RecipeError, nearest
from pretrain.reading.roles import Role, resolve
from pretrain.reading.source import read
from pretrain.reading.writing import write

__all__ = ["Recipe", "RecipeError", "Role", "difference", "load", "nearest", "shipped"]

Kinds = Mapping[str, type[StageSettings]]
TEXT = frozenset({"shards", "tokens", "lexicon"})
"""What is made of text alone: these stages take `data_seed`, all others `seed`."""


@dataclass(frozen=True)
class Recipe:
    """A recipe with everything filled in: seeds, and the source of every role, as a stage or a folder."""

    name: str  # of the run: the recipe's, with a slug of the overrides
    description: str
    seed: int
    data_seed: int
    stages: Mapping[str, StageSettings]  # in order
    roles: Mapping[str, Mapping[str, Role]]  # stage -> role -> source; empty optional roles are left out

    def effective(self) -> str:
        """The recipe as YAML, every default written out; it loads to an equal recipe."""
        return self._written(asides=True)

    def essence(self) -> str:
        """The same without what is told and kept, and how fast: recipes of equal essence are one run."""
        return self._written(asides=False)

    def _written(self, asides: bool) -> str:
        keys = ("name", "description", "seed", "data_seed")
        stages = {
            name: _dump(settings, frozenset() if asides else asides_of(type(settings)))
            for name, settings in self.stages.items()
        }
        return write({key: getattr(self, key) for key in keys} | {"stages": stages})


def load(reference: str, overrides: Sequence[str] = (), kinds: Kinds = KINDS) -> Recipe:
    """Read a recipe by its path or shipped name, with `KEY=VALUE` overrides.

    Raises:
        RecipeError: with every problem of the recipe and of the overrides.
    """
    problems: list[Problem] = []
    root = _tree(reference, overrides, kinds, problems)
    later: list[Problem] = []
    header = check(Header, root, (), later)
    declared = declare(root, kinds, later)
    checked = {name: check(one.settings, one.node, ("stages", name), later) for name, one in declared.items()}
    written = (root.child("stages") or root).mapping().keys()
    roles = resolve(declared, written - declared.keys(), later)
    stages = {name: settings for name, settings in checked.items() if settings is not None}
    later += [Problem(root.at(key), key, message) for key, message in contradictions(Stages(stages, roles))]
    problems += [one for one in later if not _told(one, root, problems)]
    if problems or header is None:
        raise RecipeError(problems)
    filled = {name: _filled(settings, header, roles[name]) for name, settings in stages.items()}
    name = _run_name(header.name, [text for text in overrides if not _is_aside(text, stages)])
    return Recipe(name, header.description, header.seed, header.data_seed, filled, roles)


def shipped() -> list[tuple[str, str]]:
    """Name and first line of the description of every recipe that comes with the package."""
    found = []
    for path in sorted(_shipped_folder().glob("*.yaml")):
        description = read(path, []).child("description")
        found.append((path.stem, str(description.value).strip().partition("\n")[0] if description else ""))
    return found


def _shipped_folder() -> Path:
    """`recipes/`: inside the package where it is installed, beside it in a checkout."""
    package = Path(__file__).parent
    return next((one for one in (package / "recipes", package.parent / "recipes") if one.is_dir()), package)


def _find(reference: str, folder: Path) -> Path | None:
    """The file of a recipe named by a path from `folder` or by a shipped name."""
    places = (folder / reference, _shipped_folder() / f"{reference}.yaml")
    return next((path for path in places if path.is_file()), None)


def _tree(reference: str, overrides: Sequence[str], kinds: Kinds, problems: list[Problem]) -> Node:
    """All layers of the recipe as one tree, inputs put in.

    Raises:
        RecipeError: there is no such recipe, or it is not YAML.
    """
    path = _find(reference, Path())
    if path is None:
        close = nearest(reference, (name for name, _ in shipped()))
        message = f"there is no recipe '{reference}'{close}; give the path of a YAML file, or a shipped name"
        raise RecipeError([Problem(Place(""), (), message)])
    layers = Layers(_find, kinds, problems)
    root = layers.chain(path)
    for text in overrides:
        root = layers.override(root, text)
    named = {"name": Node(slug(path.stem), Place(str(path), 1, 1)), **root.mapping()}
    return substitute(replace(root, value=named), problems)


def _told(problem: Problem, root: Node, told: Sequence[Problem]) -> bool:
    """Does it only repeat that a value could not be read, or that an input of that name has none?"""
    node = root.child_at(problem.key)
    unfilled = node is not None and isinstance(node.value, str) and node.value.startswith("$")
    return bool(told) and (
        unfilled or any((problem.place, problem.key) == (one.place, one.key) for one in told)
    )


def _filled(settings: StageSettings, header: Header, roles: Mapping[str, Role]) -> StageSettings:
    """Seed and roles written out, so that the effective recipe does not depend on rules of inference."""
    update: dict[str, object] = {role: source for role, source in roles.items() if isinstance(source, str)}
    if settings.seed is None:
        update["seed"] = header.data_seed if settings.makes in TEXT else header.seed
    if getattr(settings, "data_seed", 0) is None:  # training draws the order of rows by it
        update["data_seed"] = header.data_seed
    return settings.model_copy(update=update)


def _is_aside(override: str, stages: Mapping[str, StageSettings]) -> bool:
    """Does it only say how fast, what is told, or what is kept?"""
    stage, _, key = override.partition("=")[0].removeprefix("stages.").partition(".")
    return stage in stages and key.partition(".")[0] in asides_of(type(stages[stage]))


def _dump(settings: StageSettings, left_out: frozenset[str]) -> object:
    """A stage as plain values, its kind first."""
    values = settings.model_dump(mode="json", round_trip=True, by_alias=True, exclude=set(left_out))
    return escape({"kind": values.pop("kind"), **values})


def _run_name(name: str, overrides: Sequence[str]) -> str:
    """The recipe's name and a slug of overrides: `macbert_base,seed=1`; `name=` is the whole name."""
    given = dict(sorted(text.partition("=")[::2] for text in overrides))
    if "name" in given:
        return name
    return slug(",".join([name, *(f"{key}={value}" for key, value in given.items())]))


def slug(text: str) -> str:
    """Text as the name of a folder: other characters become `-`, and what is too long is cut."""
    word = re.sub(r"[^\w.,=+~-]+", "-", text.strip()).lstrip("-._,=+~") or "recipe"
    return word.encode()[:LONGEST_NAME].decode(errors="ignore")
