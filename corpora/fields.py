"""Rows with named fields -> documents: what the readers of JSON lines, tables and data sets share."""

import difflib
import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Self, TypeAlias

from pydantic import Field, PrivateAttr, field_validator

from corpora.document import Document, Unreadable
from corpora.errors import BadData
from corpora.places import Place
from corpora.settings import Settings
from corpora.templates import Template, is_template

Fields: TypeAlias = Mapping[str, object]
Row: TypeAlias = tuple[int, Fields]
"""The 1-based line (or row) where it starts, and its fields."""

SURROGATE = re.compile("[\ud800-\udfff]")
KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
NAMES_SHOWN = 8
LONGEST_SHOWN = 40  # characters of a name
PLAIN = re.compile(r"\w[\w.-]*")  # what needs no quotes, in a recipe or a command
REMEDY = "say which it is, as in `{}: ...` (under a source's `reader`)"
NO_GROUP = "say which it is: `group` under a source's `reader`"


class Need(NamedTuple):
    """A field that every row must have."""

    names: tuple[str, ...]  # the first of them that is there
    remedy: str  # how to mend it where none is, as the end of a message; the nearest name stands for "..."


class Needs(NamedTuple):
    """What is read of each row."""

    required: tuple[Need, ...]
    optional: tuple[str, ...] = ()
    any_type: bool = False  # also numbers and lists, not only what can hold text

    def absent(self, names: Sequence[str]) -> str | None:
        """The complaint about a field that is not among `names`; None if all are there."""
        lacking = (n for n in self.required if not any(_is_among(name, names) for name in n.names))
        return next((complaint_about(need, names) for need in lacking), None)


def complaint_about(need: Need, names: Iterable[str]) -> str:
    """The complaint about a field that is not there, where these are."""
    known = sorted(map(str, names))
    near = next(filter(None, (nearest(field, known) for field in need.names)), None)
    remedy = need.remedy.replace("...", "..." if near is None else _written(near))
    asked = " or ".join(map(repr, need.names))
    return f"no field {asked} (fields: {listed(known) or 'none'}); {remedy}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """That of `known` which `word` may have been meant to be, capitals and blanks around it aside."""
    alike = {name.strip().casefold(): name for name in known}
    near = difflib.get_close_matches(word.strip().casefold(), alike, n=1)
    return alike[near[0]] if near else None


def listed(names: Sequence[str]) -> str:
    """Names for a message: not all of many, and not the whole of a long one."""
    some = [name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}..." for name in names]
    return ", ".join(map(repr, some[:NAMES_SHOWN])) + ", ..." * (len(names) > NAMES_SHOWN)


def _written(name: str) -> str:
    """A name as it can be copied into a recipe or a command: in quotes where it must be."""
    return name if PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _is_among(field: str, names: Container[str]) -> bool:
    return field in names or field.partition(".")[0] in names


class RowReader(Settings):
    """Base of the readers of rows: a member adds its `name` and the method `rows`."""

    text: Annotated[str, Field(min_length=1)] = "text"
    """The field that holds the text, or a template of several: "{title}\\n{body}".

    "meta.body" is a field inside another. Null and empty fields of a template are blank, and a line of it
    whose fields are all blank is left out. A field that rows may lack is {title?}, a brace is {{ or }}."""

    id: str | None = "id"
    """The field that holds the row's own id (a string or a whole number); rows may lack it. Null: none."""

    group: str | None = None
    """The field that says what a row belongs to (a page, an author): no group is divided by validation.

    All rows of a group are in training, or all are in validation. Every row must have it."""

    _asked: Needs | None = PrivateAttr(None)

    @field_validator("text")
    @classmethod
    def _can_be_filled(cls, text: str) -> str:
        if is_template(text):
            Template.parse(text)
        return text

    def asking(self, needs: Needs) -> Self:
        """The same reader, for rows that are used in another way than as documents."""
        copy = self.model_copy()
        copy._asked = needs
        return copy

    def needs(self) -> Needs:
        """What is read of each row: by default text, group and id."""
        if self._asked is not None:
            return self._asked
        if is_template(self.text):
            template = Template.parse(self.text)
            mend = "mend the template, or write {{{}?}} where rows may lack it"
            required = [Need((field,), mend.format(field)) for field in template.fields()]
            parts = [part.removesuffix("?") for line in template.lines for part in line[1::2]]
        else:
            required, parts = [Need((self.text,), REMEDY.format("text"))], []
        if self.group is not None:
            required.append(Need((self.group,), NO_GROUP))
        return Needs(tuple(required), (*parts, *filter(None, [self.id])))

    def rows(self, place: Place) -> Iterator[Row | Unreadable]:
        """Yield the rows of a place.

        Raises:
            BadData: it cannot be read, or is damaged.
        """
        raise NotImplementedError

    def read(self, place: Place) -> Iterator[Document | Unreadable]:
        """Yield a document a row; half a surrogate pair, which no UTF-8 can hold, becomes U+FFFD."""
        template = Template.parse(self.text) if is_template(self.text) else None
        for found in self.rows(place):
            yield found if isinstance(found, Unreadable) else self._document(*found, template)

    def check_columns(self, names: Sequence[str], where: str, hint: str = "") -> None:
        """For a reader whose rows all have the same fields: look once, before the first of them.

        Raises:
            BadData: a field that is asked for is not among them, or one is there twice.
        """
        if complaint := self.needs().absent(names):
            raise BadData(f"{where}: {complaint}{hint}")
        if twice := sorted({name for name in names if list(names).count(name) > 1}):
            raise BadData(f"{where}: two columns are called {twice[0]!r}; rename one")

    def _document(self, line: int, row: Fields, template: Template | None) -> Document | Unreadable:
        metadata: dict[str, Any] = {"line": line}
        try:
            text = template.fill(lambda field: _part(row, field)) if template else string(row, self.text)
            if self.group is not None:
                metadata["group"] = name(row, self.group)
            own = self.id if self.id is not None and value(row, self.id, None) is not None else None
            return Document(text=text, id=word(row, own) if own else "", metadata=metadata)
        except KeyError as missing:
            field = missing.args[0]
            need = next(need for need in self.needs().required if field in need.names)
            complaint = complaint_about(need, row)
        except ValueError as problem:
            complaint = str(problem)
        return Unreadable("bad_field", line, shown(row), complaint)


def value(row: Fields, field: str, *default: object) -> object:
    """What `row` holds under `field`, which may name a field of a field: "meta.url".

    Raises:
        KeyError: there is no such field, and no default.
    """
    if field in row:
        return row[field]
    found: object = row
    for part in field.split("."):
        if not isinstance(found, Mapping) or part not in found:
            if default:
                return default[0]
            raise KeyError(field)
        found = found[part]
    return found


def string(row: Fields, field: str) -> str:
    """The text under `field`.

    Raises:
        KeyError: it is not there.
        ValueError: it is none.
    """
    found = value(row, field)
    if isinstance(found, str):
        return mended(found)
    raise ValueError(f"{field!r} is {kind(found)}, a string is needed")


def word(row: Fields, field: str) -> str:
    """The string or whole number under `field`, as a string.

    Raises:
        KeyError: it is not there.
        ValueError: it is neither.
    """
    found = value(row, field)
    if isinstance(found, str):
        return mended(found)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    raise ValueError(f"{field!r} is {kind(found)}, a string or a whole number is needed")


def name(row: Fields, field: str) -> str:
    """As `word`, without white space around it.

    Raises:
        KeyError: it is not there.
        ValueError: it is neither, or blank.
    """
    found = word(row, field).strip()
    if not found:
        raise ValueError(f"{field!r} is blank, a word or a whole number is needed")
    return found


def _part(row: Fields, field: str) -> str:
    """A field's share in a template: blank if it is null, or if rows may lack it and this one does."""
    optional = field.endswith("?")
    field = field.removesuffix("?")
    found = value(row, field, *((None,) if optional else ()))
    return "" if found is None else word(row, field)


def mended(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair."""
    try:  # the fast way to look for one
        text.encode()
    except UnicodeEncodeError:
        return SURROGATE.sub("\ufffd", text)
    return text


def kind(found: object) -> str:
    """What a value is, for messages."""
    number = f"the number {str(found)[:20]}" if isinstance(found, int | float) else type(found).__name__
    return KINDS.get(type(found), number)


def shown(row: Fields) -> str:
    """A row as it can be looked at."""
    return mended(json.dumps(row, ensure_ascii=False, default=str))
