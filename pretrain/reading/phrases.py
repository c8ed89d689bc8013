"""Types and values in the words of a person who writes recipes, not in those of a library."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pretrain.reading.shape import branches, item_of, members, tag_of

_PLAIN: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
}
_BOUNDS = {
    "ge": "at least",
    "gt": "more than",
    "le": "at most",
    "lt": "less than",
    "multiple_of": "a multiple of",
    "min_length": "of length at least",
    "max_length": "of length at most",
}


def got(value: object) -> str:
    """A value, short enough for one line: `'abc'`, `3`, `a list of 4`."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:50] + "..." + text[-1]


def either(choices: Sequence[str]) -> str:
    """`a, b or c`, each once."""
    unique = list(dict.fromkeys(choices))
    return " or ".join(part for part in (", ".join(unique[:-1]), unique[-1]) if part)


def kind(annotation: object) -> str:
    """A type: `a whole number`, `a list of numbers`, `'token' or 'ngram'`."""
    parts = []
    for part in branches(annotation):
        if get_origin(part) is Literal:
            parts += [repr(word) if isinstance(word, str) else got(word) for word in get_args(part)]
        elif members(part):
            tag = tag_of(members(part)[0])
            parts.append(f"'{tag[1]}'" if tag else "a mapping of settings")
        elif (item := item_of(part)) is not None:
            mapping = issubclass(get_origin(part) or object, Mapping)
            parts.append(("a mapping of names to " if mapping else "a list, each ") + kind(item))
        else:
            parts.append(_PLAIN.get(part, "a value"))
    return either(parts) if parts else "null"


def bounds(metadata: Sequence[object]) -> str:
    """The range that a field's constraints leave: `, more than 0, at most 1`; empty where it is free."""
    found: Iterator[tuple[str, Any]] = (
        (word, getattr(mark, name, None)) for mark in metadata for name, word in _BOUNDS.items()
    )
    return "".join(f", {word} {value}" for word, value in found if value is not None)


def wanted(field: FieldInfo) -> str:
    """What a field takes: type and range."""
    return kind(field.annotation) + bounds(field.metadata)


_WHOLE, _NUMBER, _TEXT = "a whole number", "a number", "text (in quotes, if it looks like a number)"
_WANTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "int_type": lambda _: _WHOLE,
    "int_parsing": lambda _: _WHOLE,
    "int_from_float": lambda _: _WHOLE,
    "float_type": lambda _: _NUMBER,
    "float_parsing": lambda _: _NUMBER,
    "finite_number": lambda _: "a finite number",
    "bool_type": lambda _: "true or false",
    "bool_parsing": lambda _: "true or false",
    "string_type": lambda _: _TEXT,
    "list_type": lambda _: "a list",
    "tuple_type": lambda _: "a list",
    "dict_type": lambda _: "a mapping",
    "mapping_type": lambda _: "a mapping",
    "model_type": lambda _: "a mapping of settings",
    "model_attributes_type": lambda _: "a mapping of settings",
    "none_required": lambda _: "null",
    "greater_than": lambda ctx: f"more than {ctx['gt']}",
    "greater_than_equal": lambda ctx: f"at least {ctx['ge']}",
    "less_than": lambda ctx: f"less than {ctx['lt']}",
    "less_than_equal": lambda ctx: f"at most {ctx['le']}",
    "multiple_of": lambda ctx: f"a multiple of {ctx['multiple_of']}",
    "too_short": lambda ctx: f"one of length at least {ctx['min_length']}",
    "too_long": lambda ctx: f"one of length at most {ctx['max_length']}",
    "string_too_short": lambda ctx: f"at least {ctx['min_length']} characters",
    "string_too_long": lambda ctx: f"at most {ctx['max_length']} characters",
    "string_pattern_mismatch": lambda ctx: f"text of the form {ctx['pattern']}",
}
SHAPE = frozenset(name for name in _WANTED if name.endswith("_type")) | {"literal_error", "none_required"}
"""Errors that say "not this kind of thing at all": in a union, another alternative may have been meant."""


def expectations(error: ErrorDetails) -> list[str]:
    """What would do instead, for one error of pydantic's; nothing where its own text is the whole message."""
    phrase, context = _WANTED.get(error["type"]), error.get("ctx", {})
    if error["type"] == "literal_error":
        return [choice for part in context["expected"].split(" or ") for choice in part.split(", ")]
    return [phrase(context)] if phrase else []
