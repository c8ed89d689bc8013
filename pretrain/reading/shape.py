"""What settings classes allow at a key: read from their annotations, for messages, merging and `explain`."""

from collections.abc import Iterable, Iterator, Mapping, Set
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pretrain.reading.problems import Key

Model = type[BaseModel]


def branches(annotation: object) -> Iterator[object]:
    """The alternatives of a type: unions opened, `Annotated` and `Optional` taken off."""
    if get_origin(annotation) is Annotated:
        yield from branches(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from branches(part)
    elif annotation is not NoneType and annotation is not None:
        yield annotation


def takes_null(annotation: object) -> bool:
    """Whether null is among the alternatives of a type."""
    return annotation is NoneType or (
        get_origin(annotation) in (Annotated, Union, UnionType)
        and any(takes_null(part) for part in get_args(annotation))
    )


def members(annotation: object) -> tuple[Model, ...]:
    """The settings classes among the alternatives: a family, or a single one."""
    parts = (part for part in branches(annotation) if isinstance(part, type))
    return tuple(part for part in parts if issubclass(part, BaseModel))


def tag_of(model: Model) -> tuple[str, str] | None:
    """The key that chooses this member of a family, and its word: `("strategy", "ngram")`.

    It stands before any other key that can have but one value, such as one that narrows the base's.
    """
    own = (name for name in model.__annotations__ if name in model.model_fields)
    for name in dict.fromkeys([*own, *model.model_fields]):
        field = model.model_fields[name]
        if get_origin(field.annotation) is Literal and get_args(field.annotation) == (field.default,):
            return name, str(field.default)
    return None


def family_tag(annotation: object) -> str | None:
    """The key by which a mapping of this type says which member it is; None where there is no choice."""
    tags = {tag[0] for model in members(annotation) if (tag := tag_of(model))}
    return tags.pop() if len(tags) == 1 else None


def item_of(annotation: object) -> object | None:
    """The type of a list's items or of a mapping's values."""
    arguments = get_args(annotation)
    origin = get_origin(annotation)
    if not isinstance(origin, type) or not arguments:
        return None
    return arguments[1] if issubclass(origin, Mapping) else arguments[0] if origin in (tuple, list) else None


def items_of(annotation: object) -> object | None:
    """The same for the first alternative of a type that has items."""
    return next((item for kind in branches(annotation) if (item := item_of(kind)) is not None), None)


def fields_of(model: Model) -> Mapping[str, FieldInfo]:
    """The keys that a recipe may write, with their fields."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def holders(model: Model, key: Key, value: object) -> tuple[Model, ...]:
    """The settings classes that the mapping at `key` below `model` may be, given the tags in `value`."""
    here: tuple[object, ...] = (model,)
    for part in key:
        here = tuple(below for kind in here for below in _step(kind, part, value))
        value = _part(value, part)
    return _fitting(here, value)


def _step(annotation: object, part: str | int, value: object) -> Iterator[object]:
    """The types one key further down."""
    for model in _fitting(members(annotation), value):
        if part in fields_of(model):
            yield from branches(fields_of(model)[str(part)].annotation)
    for kind in branches(annotation):
        if (item := item_of(kind)) is not None:
            yield from branches(item)


def _part(value: object, part: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(part)
    return value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None


def _fitting(kinds: tuple[object, ...], value: object) -> tuple[Model, ...]:
    """The classes whose tag is the one in the value; all of them where none is."""
    models = tuple(model for kind in kinds for model in members(kind))
    tags = {model: tag for model in models if (tag := tag_of(model))}
    if isinstance(value, Mapping):
        chosen = tuple(model for model, (name, word) in tags.items() if value.get(name) == word)
        return chosen or models
    return models


def all_tags(models: Iterable[Model]) -> Set[str]:
    """Every key that chooses a member of a family, in these classes and all below them.

    A class whose other keys hang on one of them, as a network's do on its type, names it as `chosen_by`.
    """
    found: set[str] = set()
    seen: set[Model] = set()
    todo = list(models)
    while todo:
        model = todo.pop()
        if model not in seen:
            seen.add(model)
            tag = tag_of(model)
            found |= {tag[0]} if tag else {*getattr(model, "chosen_by", ())}
            todo += [below for field in model.model_fields.values() for below in _within(field.annotation)]
    return frozenset(found)


def _within(annotation: object) -> Iterator[Model]:
    """The settings classes in a type, those of list items and mapping values included."""
    for kind in branches(annotation):
        yield from members(kind)
        if (item := item_of(kind)) is not None:
            yield from _within(item)
