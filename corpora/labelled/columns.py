"""Columns of a table -> labelled rows, by the readers of tables that text is read with, too."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.fields import Fields, Need, Needs, RowReader, complaint_about, kind, mended, shown, value, word
from corpora.labelled.raw import Raw
from corpora.labelled.rows import Answer, Kind
from corpora.labelled.tags import joined, scheme_of, spans_of
from corpora.places import Place
from corpora.templates import Template, is_template

Names = Sequence[str]

LARGEST = 1e15
"""Of a number to predict: its square, and the sum of many of them, is still finite in float32."""


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; of several names, the first that a row has."""

    kind: Kind
    text: Names
    second: Names = ()
    known: Names = ()  # of the label, the number, the tags or the answers; none: of rows without labels
    id: str | None = None
    only: Mapping[str, str] | None = None  # rows that hold something else there are left out
    remedy: str = "say which it is, as in `{}: ...`"  # where a column is missing, by its role

    def needs(self) -> Needs:
        """The fields to read."""
        remedy = self.remedy
        role = {"classes": "label", "values": "value", "spans": "tags", "answers": "answers"}[self.kind]
        texts = [Need((name,), remedy.format("text")) for name in _parts(self.text[0])]
        alone = [Need(tuple(self.text), remedy.format("text"))] if not is_template(self.text[0]) else texts
        second = [Need(tuple(self.second), remedy.format("second"))] if self.second else []
        without = "; rows without labels can be predicted, not scored"
        known = [Need(tuple(self.known), remedy.format(role) + without)] if self.known else []
        return Needs((*alone, *second, *known), (*filter(None, [self.id]), *(self.only or ())), any_type=True)

    def read(self, reader: RowReader, place: Place) -> Iterator[Raw | Unreadable]:
        """Yield the rows of a place; rows that `only` leaves out are not among them.

        Raises:
            BadData: with `file:line`, a column is missing.
        """
        template = Template.parse(self.text[0]) if is_template(self.text[0]) else None
        needs = self.needs()
        for found in reader.asking(needs).rows(place):
            if isinstance(found, Unreadable):
                yield found
                continue
            line, row = found
            if complaint := needs.absent([*row]):
                raise BadData(f"{place}:{line}: {complaint}")
            try:
                if all(word(row, name) == wanted for name, wanted in self._filters(row)):
                    yield self._raw(line, row, template)
            except (KeyError, ValueError, TypeError) as error:
                absent = isinstance(error, KeyError)
                told = complaint_about(Need((str(error.args[0]),), "..."), row) if absent else str(error)
                yield Unreadable("bad_field", line, shown(row), told)

    def _filters(self, row: Fields) -> Iterator[tuple[str, str]]:
        return ((name, wanted) for name, wanted in (self.only or {}).items() if name in row)

    def _raw(self, line: int, row: Fields, template: Template | None) -> Raw:
        own = word(row, self.id) if self.id is not None and value(row, self.id, None) is not None else ""
        second = _text(row, self.second) if self.second else None
        if self.kind == "spans":
            return self._tagged(line, row)._replace(id=own)
        text = template.fill(lambda field: _blank(row, field)) if template else _text(row, self.text)
        raw = Raw(line, text, second, id=own)
        if not self.known:
            return raw
        known = _first(row, self.known)
        if self.kind == "answers":
            return raw._replace(answers=tuple(_answers(value(row, known), text)))
        return raw._replace(label=number(row, known) if self.kind == "values" else label(row, known))

    def _tagged(self, line: int, row: Fields) -> Raw:
        tokens = value(row, _first(row, self.text))
        if isinstance(tokens, str):
            tokens = tokens.split()
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            found = f"a list with {kind(_other(tokens))}" if isinstance(tokens, list) else kind(tokens)
            raise ValueError(f"{self.text[0]!r} is {found}, a list of tokens is needed")
        text, extents = joined(tokens, "auto")
        tags = value(row, _first(row, self.known)) if self.known else ["O"] * len(tokens)
        tags = tags.split() if isinstance(tags, str) else tags
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            found = f"a list with {kind(_other(tags))}" if isinstance(tags, list) else kind(tags)
            raise ValueError(f"{self.known[0]!r} is {found}, a list of the names of tags (B-LOC) is needed")
        if len(tags) != len(tokens):
            raise ValueError(f"{len(tokens)} tokens and {len(tags)} tags; one for each token is needed")
        return Raw(line, text, spans=spans_of(tags, extents, scheme_of(tags)), tokens=extents)


def label(row: Fields, field: str) -> str:
    """The name of a class: a word, a whole number, or true or false.

    Raises:
        ValueError: it is none of them.
    """
    found = value(row, field)
    if isinstance(found, bool):
        return str(found).lower()
    if found is None:
        raise ValueError(f"{field!r} is null: the row has no label")
    if isinstance(found, list | Mapping):
        raise ValueError(f"{field!r} is {kind(found)}, a word is needed; are they spans? Say `reader: spans`")
    name = word(row, field).strip()
    if not name:
        raise ValueError(f"{field!r} is blank, a word or a whole number is needed")
    return name


def number(row: Fields, field: str) -> float:
    """A number to predict.

    Raises:
        ValueError: it is none.
    """
    found = value(row, field)
    try:
        number = float(found) if isinstance(found, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or isinstance(found, bool):
        raise ValueError(f"{field!r} is {found!r}, a number is needed")
    if abs(number) > LARGEST:
        raise ValueError(f"{field!r} is {found!r}, more than a network can learn ({LARGEST:g} at most)")
    return number


def _answers(found: Any, text: str) -> Iterator[Answer]:  # noqa: ANN401 - a cell of any type
    """As `datasets` keeps SQuAD's: {"text": [...], "answer_start": [...]}."""
    if not isinstance(found, Mapping) or not {"text", "answer_start"} <= set(found):
        raise ValueError(f'the answers are {kind(found)}, {{"text": [...], "answer_start": [...]}} is needed')
    starts, answers = found["answer_start"], found["text"]
    if not isinstance(starts, list) or not isinstance(answers, list) or len(starts) != len(answers):
        raise ValueError(f"{shown(found)[:60]}: `text` and `answer_start` are to be lists, of one length")
    for start, answer in zip(starts, answers, strict=True):
        if not isinstance(start, int) or not isinstance(answer, str):
            raise ValueError(f"{shown(found)[:60]}: strings under `text`, whole numbers under `answer_start`")
        if text[start : start + len(answer)] != answer:
            raise ValueError(f"the answer {answer[:40]!r} does not stand at {start} of its passage")
        yield Answer(start, answer)


def _other(found: list[Any]) -> object:
    """The first that is no string."""
    return next(each for each in found if not isinstance(each, str))


def _first(row: Fields, names: Names) -> str:
    return next((name for name in names if value(row, name, None) is not None), names[0])


def _text(row: Fields, names: Names) -> str:
    field = _first(row, names)
    found = value(row, field)
    if not isinstance(found, str):
        raise ValueError(f"{field!r} is {kind(found)}, a string is needed")
    return mended(found)


def _blank(row: Fields, field: str) -> str:
    found = value(row, field.removesuffix("?"), *((None,) if field.endswith("?") else ()))
    return "" if found is None else word(row, field.removesuffix("?"))


def _parts(text: str) -> list[str]:
    return Template.parse(text).fields() if is_template(text) else [text]
