"""A tree of plain values against a settings class: the frozen value, or problems with positions."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from corpora.errors import MaskwrightError
from pretrain.reading import phrases
from pretrain.reading.findings import Finding, by_key, meant
from pretrain.reading.nodes import Node
from pretrain.reading.problems import Key, Problem, nearest, suggestion
from pretrain.reading.scalars import scalar
from pretrain.reading.shape import fields_of, holders, tag_of, takes_null

RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")
MOST = 20  # numbers that a message writes out

Checked = TypeVar("Checked", bound=BaseModel)


def check(model: type[Checked], node: Node, key: Key, problems: list[Problem]) -> Checked | None:
    """Validate the tree at `key` of the recipe; or add all of its problems, and return None."""
    try:
        return model.model_validate(node.plain())
    except ValidationError as error:
        findings = [Finding.of(one, node) for one in error.errors(include_url=False)]
        problems += [_problem(group, model, node, key) for group in by_key(meant(findings))]
    except MaskwrightError as error:
        problems.append(Problem(node.spot(), key, str(error)))
    return None


def _problem(group: Sequence[Finding], model: type[BaseModel], node: Node, above: Key) -> Problem:
    """One line for all that was found at one key."""
    finding = next(filter(_untagged, group), group[0])
    place, key = node.at(finding.key), (*above, *finding.key)
    kind, value = finding.error["type"], finding.error["input"]
    if kind == "extra_forbidden":
        known = [name for one in _holders(model, node, finding.key) for name in fields_of(one)]
        stray = node.child_at(finding.key)
        place = stray.key if stray and stray.key else place
        return Problem(place, key, f"unknown key{suggestion(str(finding.key[-1]), known)}")
    if kind == "missing":
        return Problem(place, key, f"is missing; wanted {_wanted(model, node, finding.key)}")
    if kind.startswith("union_tag"):
        return _family(finding, model, node, above)
    wishes = [wish for one in group for wish in phrases.expectations(one.error)]
    if wishes:
        words = [wish.strip("'") for wish in wishes if wish.startswith("'")]
        hint = _hint(group, value) or nearest(str(value), words)
        return Problem(place, key, f"got {phrases.got(value)}, wanted {phrases.either(wishes)}{hint}")
    message = str(finding.error.get("ctx", {}).get("error") or finding.error["msg"])
    return _pointed(message, node, finding.key, above)


def _untagged(finding: Finding) -> bool:
    """Is it a mapping that should have named a member of a family? A number may have done as well."""
    return finding.error["type"].startswith("union_tag") and isinstance(finding.error["input"], Mapping)


def _pointed(message: str, node: Node, key: Key, above: Key) -> Problem:
    """A validator's own message; one that opens with a key (`schedule.warmup_steps is ...`) points there."""
    word, _, rest = message.partition(" ")
    inner: Key = (*key, *word.strip("`").split("."))
    if node.child_at(inner):
        key, message = inner, rest
    return Problem(node.at(key), (*above, *key), message)


def _holders(model: type[BaseModel], node: Node, key: Key) -> tuple[type[BaseModel], ...]:
    return holders(model, key[:-1], node.plain())


def _wanted(model: type[BaseModel], node: Node, key: Key) -> str:
    """Type and range of a field that is not there."""
    fields = (fields_of(one).get(str(key[-1])) for one in _holders(model, node, key))
    return phrases.either([phrases.wanted(field) for field in fields if field] or ["a value"])


def _family(finding: Finding, model: type[BaseModel], node: Node, above: Key) -> Problem:
    """The word that chooses a member is none of the family's, or is not there."""
    context = finding.error["ctx"]
    tag = str(context["discriminator"]).strip("'")
    tags = (tag_of(member) for member in holders(model, finding.key, node.plain()))
    choices = list(dict.fromkeys(word for _, word in filter(None, tags)))
    if "tag" not in context:
        message = f"has no `{tag}`, wanted one of {', '.join(map(repr, choices))}"
        return Problem(node.at(finding.key), (*above, *finding.key), message)
    written = (*finding.key, tag) if node.child_at((*finding.key, tag)) else finding.key
    word = str(context["tag"])
    fields = (fields_of(one).get(str(finding.key[-1])) for one in _holders(model, node, finding.key))
    may_be_null = any(takes_null(field.annotation) for field in fields if field)
    none = "; for none of them write null" if word == "none" and may_be_null else nearest(word, choices)
    message = f"'{word}' is none of {', '.join(map(repr, choices))}{none}"
    return Problem(node.at(written), (*above, *written), message)


def _hint(group: Sequence[Finding], value: object) -> str:
    """The mend of a common slip: a number with an exponent, or in quotes; one for a list."""
    kinds = {finding.error["type"] for finding in group}
    if kinds & {"int_type", "int_from_float"} and isinstance(value, float) and value.is_integer():
        return f": write {int(value)}"
    if kinds <= {"list_type", "tuple_type"} and isinstance(value, str | int | float):
        return f": write {_in_brackets(value)}"
    quoted = isinstance(value, str) and not isinstance(scalar(value), str)
    if quoted and kinds & {"int_type", "float_type"}:
        return ", without quotes"
    return ""


def _in_brackets(value: str | float) -> str:
    """A list as it may have been meant: one thing, several with commas, a range of seeds."""
    if isinstance(value, str) and (ends := RANGE.fullmatch(value)):
        first, last = map(int, ends.groups())
        if first < last < first + MOST:
            return str([*range(first, last + 1)])
    return f"[{value}]"
