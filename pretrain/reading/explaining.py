"""What `maskwright explain KEY` prints: type, range, default and meaning of a key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from pydantic.fields import FieldInfo

from corpora.errors import UsageError
from corpora.stage import Aside
from pretrain.reading import phrases
from pretrain.reading.header import Header
from pretrain.reading.problems import nearest
from pretrain.reading.shape import Model, branches, fields_of, item_of, members, tag_of
from pretrain.reading.writing import write


@dataclass(frozen=True)
class Entry:
    """A key, and the member of a family that it belongs to."""

    key: str  # dotted, from the kind of the stage
    field: FieldInfo
    member: str  # `ngram`; empty outside of families
    aside: bool  # it, or a key that it is part of, stays out of the fingerprint

    def text(self) -> str:
        """What is the same in all members that have this key alike."""
        lines = [f"  type     {phrases.wanted(self.field)}", f"  default  {_default(self.field)}"]
        if self.aside:
            lines.append("  aside    may change at any time: nothing is made anew, and a run goes on with it")
        lines += [f"  {line}" for line in cleandoc(self.field.description or "").splitlines()]
        return "\n".join([*lines, *(f"  - {word}: {meaning}" for word, meaning in _parts(self.field))])


def explain(key: str, kinds: Mapping[str, Model]) -> str:
    """Explain every key that is `key` or ends in it; a stage may also go by the name that a recipe gave it.

    Raises:
        UsageError: there is none; the nearest keys are told.
    """
    asked = key.removeprefix("stages.")
    if asked in kinds:
        return _stage(asked, kinds[asked])
    entries = list(_entries(Header, ""))
    for kind, settings in kinds.items():
        entries += _entries(settings, kind)
    tail = asked.partition(".")[2] or asked
    for fits in (asked.__eq__, lambda one: one.endswith(f".{asked}"), lambda one: one.endswith(f".{tail}")):
        if found := [entry for entry in entries if fits(entry.key)]:
            return _together(found)
    names = {entry.key if "." in asked else entry.key.rpartition(".")[2] for entry in entries}
    raise UsageError(f"no key '{key}'{nearest(asked, names)}; kinds of stages: {', '.join(kinds)}")


def _together(entries: Sequence[Entry]) -> str:
    """Entries that read alike under their keys, each with the members of the family that it belongs to."""
    groups: dict[str, dict[str, list[str]]] = {}
    for entry in entries:
        groups.setdefault(entry.text(), {}).setdefault(entry.key, []).append(entry.member)
    headings = {text: [_heading(*each) for each in keys.items()] for text, keys in groups.items()}
    return "\n\n".join("\n".join([*lines, text]) for text, lines in headings.items())


def _heading(key: str, members: Sequence[str]) -> str:
    named = ", ".join(filter(None, dict.fromkeys(members)))
    return f"{key}   (of {named})" if named else key


def _stage(kind: str, settings: Model) -> str:
    """A kind of stage: what it does and its keys."""
    fields = fields_of(settings).items()
    keys = (f"  {kind}.{name:16} {_summary(field.description)}" for name, field in fields)
    return "\n".join([f"{kind}: {_summary(settings.__doc__)}", *keys])


def _entries(settings: Model, above: str, seen: Sequence[Model] = (), aside: bool = False) -> Iterator[Entry]:
    """All keys of a settings class and of what it holds; a class inside itself is listed once."""
    tag = tag_of(settings)
    member = tag[1] if tag and seen else ""
    for name, field in fields_of(settings).items():
        key = f"{above}.{name}" if above else name
        left_out = aside or any(isinstance(mark, Aside) for mark in field.metadata)
        yield Entry(key, field, member, left_out)
        for model in _held(field.annotation):
            if model not in seen and settings is not Header:
                yield from _entries(model, key, (*seen, settings), left_out)


def _held(annotation: object) -> Iterator[Model]:
    """Settings classes of a field's value, or of its items."""
    for part in branches(annotation):
        yield from members(part)
        if (item := item_of(part)) is not None:
            yield from _held(item)


def _parts(field: FieldInfo) -> Iterator[tuple[str, str]]:
    """Members of a family, or else keys of a mapping of settings, with the beginning of their meaning."""
    for model in _held(field.annotation):
        if tag := tag_of(model):
            yield tag[1], _summary(model.__doc__)
        else:
            yield from ((name, _summary(one.description)) for name, one in fields_of(model).items())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none: it has to be given"
    value = field.get_default(call_default_factory=True, validated_data={})
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple):
        value = [one.model_dump(mode="json") if hasattr(one, "model_dump") else one for one in value]
    return write(value, flow=True).strip()


def _summary(text: str | None) -> str:
    """The first line, and if no sentence ends with it, those that follow up to one."""
    first, *rest = cleandoc(text or "").splitlines() or [""]
    while rest and rest[0] and not first.endswith((".", "!", "?")):
        first += f" {rest.pop(0)}"
    return first
