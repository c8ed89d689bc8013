"""The arms of a comparison: what each overrides, how they differ, and that they differ in nothing else."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from pydantic import BaseModel

from corpora.errors import UsageError
from pretrain.comparing.asked import Choice
from pretrain.kinds import KINDS
from pretrain.reading.problems import Problem, RecipeError
from pretrain.reading.shape import all_tags, fields_of, members, tag_of, takes_null
from pretrain.reading.source import parse
from pretrain.reading.writing import write
from pretrain.recipe import Recipe, load

Path = tuple[str, ...]
"""A way into the settings of a recipe's stages: `("train", "masking", "budget")`."""


@dataclass(frozen=True)
class Arm:
    """One of the things compared: the recipe with these overrides."""

    label: str
    overrides: tuple[str, ...]
    written: frozenset[Path] = frozenset()  # settings that the user gave for this arm, in so many words


def arms(varied: Sequence[Choice], base: Recipe) -> list[Arm]:
    """All combinations of the values of the keys (of one key: its values), the first values first."""
    each = [[_arm(choice.key, value, base, len(varied) > 1) for value in choice.values] for choice in varied]
    return [_joined(parts) for parts in product(*each)]


def trials(grid: Sequence[Choice]) -> list[tuple[str, ...]]:
    """All combinations of the settings that every arm tries; one of none where there is no grid."""
    each = [[f"{choice.key}={value}" for value in choice.values] for choice in grid]
    return list(product(*each))


def loaded(reference: str, overrides: Sequence[str], arms_: Sequence[Arm]) -> list[Recipe]:
    """The recipe of each arm.

    Raises:
        RecipeError: with the problems of all of them.
    """
    problems: list[Problem] = []
    recipes: list[Recipe] = []
    for arm in arms_:
        try:
            recipes.append(load(reference, [*overrides, *arm.overrides]))
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return recipes


def refuse_others(arms_: Sequence[Arm], recipes: Sequence[Recipe], varied: Sequence[Choice]) -> None:
    """Arms may differ in what is varied and in nothing else.

    Raises:
        UsageError: two of them are the same, or differ in a setting beside.
    """
    tags = all_tags(KINDS.values())
    keys = [tuple(choice.key.split(".")) for choice in varied if choice.stage in recipes[0].stages]
    for (one, first), (two, second) in combinations(zip(arms_, recipes, strict=True), 2):
        if replace(first, name="").essence() == replace(second, name="").essence():
            raise UsageError(
                f"the arms {one.label} and {two.label} are the same, or differ only in what cannot change a "
                "score: there is nothing to compare"
            )
        if len(keys) < len(varied):
            continue  # an input, or data_seed: all that hangs on it differs by it
        for path in _differing(first, second):
            key = next((key for key in keys if path[: len(key)] == key), None)
            if key is None:
                raise UsageError(f"the arms {one.label} and {two.label} differ in {'.'.join(path)} as well")
            own = path == key or path[-1] in tags or path in one.written | two.written
            if not own and _means_the_same(first, second, path):
                raise UsageError(_second(one, two, first, second, path, ".".join(key)))


def _second(one: Arm, two: Arm, first: Recipe, second: Recipe, path: Path, key: str) -> str:
    """The message about a second difference, with both values and a way out."""
    name = ".".join(path[len(key.split(".")) :])
    values = [_at(recipe.stages[path[0]].model_dump(mode="json"), path[1:]) for recipe in (first, second)]
    return (
        f"--vary {key}: the arms {one.label} and {two.label} differ in `{name}` as well ({values[0]} and "
        f"{values[1]}), which would be a second difference. Write it out for at least one of them, as in "
        f"--vary '{key}={{..., {name}: {values[0]}}},...'"
    )


def _arm(key: str, value: str, base: Recipe, several: bool) -> Arm:
    """One value of one key. The member that the recipe has already stays as the recipe has it."""
    here, parent = _look(base, key.split("."))
    label = f"{key.rpartition('.')[2]}={value}" if several else value
    tag = tag_of(type(here)) if isinstance(here, BaseModel) else None
    if tag and tag[1] == value:
        return Arm(label, ())
    if value == "none" and _may_be_null(parent, key.rpartition(".")[2]):
        return Arm(label, (f"{key}=null",))
    if isinstance(here, BaseModel) and (kept := _kept(here, parent, key.rpartition(".")[2], value)):
        return Arm(label, (f"{key}={write(kept, flow=True).strip()}",))
    found = _mapping(value)
    paths = _paths(found) if isinstance(found, Mapping) else _meant(parent, key.rpartition(".")[2])
    return Arm(label, (f"{key}={value}",), frozenset((*key.split("."), *path) for path in paths))


def _meant(parent: object, name: str) -> Iterator[Path]:
    """What a bare word says of settings that have no other members: of a checkpoint, all of where it is."""
    field = fields_of(type(parent)).get(name) if isinstance(parent, BaseModel) else None
    kinds = members(field.annotation) if field else ()
    yield from ((key,) for kind in kinds if tag_of(kind) is None for key in fields_of(kind))


def _kept(here: BaseModel, parent: object, name: str, word: str) -> dict[str, object]:
    """The member called `word`, with what the recipe sets for the present one and means the same in both.

    That are settings of one name and one default, such as the budget of masks; {} where there is none.
    """
    field = fields_of(type(parent)).get(name) if isinstance(parent, BaseModel) else None
    found = (
        [one for one in members(field.annotation) if (tag_of(one) or ("", ""))[1] == word] if field else []
    )
    given = here.model_dump(mode="json", exclude_unset=True)
    for member in found:
        alike = {key: value for key, value in given.items() if _alike(type(here), member, key)}
        return {tag_of(member)[0]: word, **alike} if alike else {}  # type: ignore[index]
    return {}


def _alike(one: type[BaseModel], other: type[BaseModel], name: str) -> bool:
    """Whether both classes have a setting of this name with the same default."""
    fields = (one.model_fields.get(name), other.model_fields.get(name))
    if None in fields or name == (tag_of(one) or ("",))[0]:
        return False
    first, second = (field.get_default(call_default_factory=True) for field in fields if field)
    return bool(first == second)


def _joined(parts: Sequence[Arm]) -> Arm:
    return Arm(
        ", ".join(part.label for part in parts),
        tuple(override for part in parts for override in part.overrides),
        frozenset().union(*(part.written for part in parts)),
    )


def _look(recipe: Recipe, parts: Sequence[str]) -> tuple[object, object]:
    """What stands at a key of a stage, and what it stands in; None where the way ends."""
    here: object = recipe.stages.get(parts[0])
    parent: object = None
    for part in parts[1:]:
        parent, here = here, getattr(here, part, None)
    return here, parent


def _may_be_null(parent: object, name: str) -> bool:
    """Whether `none` can only mean that there is no such thing: not where it is a word of the field."""
    field = fields_of(type(parent)).get(name) if isinstance(parent, BaseModel) else None
    return field is None or takes_null(field.annotation)


def _plain(settings: BaseModel | None) -> object:
    return settings.model_dump(mode="json", by_alias=True) if settings else None


def _differing(first: Recipe, second: Recipe) -> Iterator[Path]:
    """Settings with different values; those that only one side has belong to its own member of a family."""
    for name in dict.fromkeys([*first.stages, *second.stages]):
        pair = [_plain(recipe.stages.get(name)) for recipe in (first, second)]
        yield from _unequal(pair[0], pair[1], (name,))


def _unequal(one: object, other: object, path: Path) -> Iterator[Path]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one.keys() & other.keys():
            yield from _unequal(one[key], other[key], (*path, str(key)))
    elif one != other:
        yield path


def _mapping(text: str) -> object:
    """A mapping that is written out; None of anything else."""
    with contextlib.suppress(RecipeError):  # what is wrong with it is told when the recipe is loaded
        return parse(text, "command line", []).plain()
    return None


def _paths(value: object) -> Iterator[Path]:
    """The ways to all values in a mapping."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (str(key),)
            yield from ((str(key), *path) for path in _paths(inner))


def _means_the_same(first: Recipe, second: Recipe, path: Path) -> bool:
    """Whether a setting is one of both arms, and not each method's own: its defaults are equal."""
    one, other = (_look(recipe, path)[1] for recipe in (first, second))
    if not isinstance(one, BaseModel) or not isinstance(other, BaseModel):
        return True
    return type(one) is type(other) or _alike(type(one), type(other), path[-1])


def _at(value: object, path: Path) -> object:
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
