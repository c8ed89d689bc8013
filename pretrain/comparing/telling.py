"""How arms differ, in few words for a person: what was chosen, and none of the defaults that come with it."""

from collections.abc import Mapping

from pydantic import BaseModel

from pretrain.reading.difference import difference
from pretrain.reading.shape import tag_of
from pretrain.recipe import Recipe


def told(first: Recipe, other: Recipe) -> list[str]:
    """How the second differs, a line a key: members of a family by their words and what is no default."""
    names = [*first.stages, *(name for name in other.stages if name not in first.stages)]
    pairs = ((name, first.stages.get(name), other.stages.get(name)) for name in names)
    return [line for name, a, b in pairs for line in difference(_brief(a, b), _brief(b, a), name)]


def _brief(settings: object, beside: object) -> object:
    """Its word, then its own keys before its kind's; those that are defaults here and beside are left out."""
    if not isinstance(settings, BaseModel):
        return settings
    dumped: object = settings.model_dump(mode="json", by_alias=True)
    if not isinstance(dumped, Mapping):  # some are written as one word
        return dumped
    kind, tag = type(settings), tag_of(type(settings))
    own = [name for name in kind.__annotations__ if name in kind.model_fields]
    found: dict[str, object] = {tag[0]: tag[1]} if tag else {}
    for name in dict.fromkeys([*own, *kind.model_fields]):
        if not (_is_default(settings, name) and _is_default(beside, name)):
            inner, key = getattr(settings, name), kind.model_fields[name].alias or name
            is_model = isinstance(inner, BaseModel)
            found[key] = _brief(inner, getattr(beside, name, None)) if is_model else dumped[key]
    return found | (settings.model_extra or {})


def _is_default(settings: object, name: str) -> bool:
    """Whether a setting is as it would be were it left out; one that there is not is."""
    field = type(settings).model_fields.get(name) if isinstance(settings, BaseModel) else None
    return field is None or bool(getattr(settings, name) == field.get_default(call_default_factory=True))
