"""JSON records of a text and its labelled spans, as CLUENER, CMeEE, doccano and Label Studio have them."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from corpora.document import Unreadable
from corpora.fields import kind, mended, shown, value, word
from corpora.labelled.raw import Raw, place, span
from corpora.labelled.records import records
from corpora.labelled.rows import Kind, Span
from corpora.places import Place
from corpora.settings import Settings

NONE = (
    "no labelled spans: neither `label` or `labels` (CLUENER, doccano, Label Studio's JSON_MIN) nor "
    "`entities` (CMeEE, doccano) nor `annotations` (Label Studio) is there; [] says that a text has none"
)
OTHER = "its spans are in none of the forms of CLUENER, CMeEE, doccano and Label Studio"


class Spans(Settings):
    """JSON objects, one a line or all in one array, each with a text and spans in characters of it.

    Four forms are told apart by themselves: CLUENER (`label: {type: {passage: [[first, last]]}}`), CMeEE
    (`entities: [{start_idx, end_idx, type, entity}]`, the end inclusive as in the first edition or not),
    doccano (`label: [[start, end, type]]`, or `entities: [{start_offset, end_offset, label}]`), Label Studio
    (JSON: `annotations`, of which the first that was not cancelled counts; JSON_MIN: `label`).
    """

    kind: ClassVar[Kind] = "spans"

    name: Literal["spans"] = "spans"
    """JSON records of a text and labelled spans, as CLUENER, CMeEE, doccano and Label Studio have them."""

    text: str = "text"
    """The field of the text; in Label Studio's JSON, within `data`."""

    id: str | None = "id"
    """The field of the record's own id; records may lack it."""

    def read(self, place: Place, labelled: bool = True) -> Iterator[Raw | Unreadable]:
        """Yield a row a record."""
        for found in records(place):
            if isinstance(found, Unreadable):
                yield found
                continue
            line, record = found
            try:
                yield self._row(line, record, labelled)
            except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
                told = f"no field {error}" if isinstance(error, KeyError) else str(error)
                told = told if isinstance(error, KeyError | ValueError) else f"{OTHER} ({told})"
                text = shown(record) if isinstance(record, Mapping) else str(record)
                yield Unreadable("bad_field", line, text, told)

    def _row(self, line: int, record: Any, labelled: bool) -> Raw:  # noqa: ANN401 - what JSON holds
        if not isinstance(record, Mapping):
            raise ValueError('a record is needed, such as {"text": ..., "label": ...}')
        holder = record["data"] if self.text not in record and "data" in record else record
        text = value(holder, self.text)
        if not isinstance(text, str):
            raise ValueError(f"{self.text!r} is {type(text).__name__}, a string is needed")
        spans = sorted(set(_spans(record, text))) if labelled else ()
        own = self.id if self.id is not None and value(record, self.id, None) is not None else None
        return Raw(line, mended(text), spans=tuple(spans), id=word(record, own) if own else "")


def _spans(record: Mapping[str, Any], text: str) -> Iterator[Span]:
    if "annotations" in record:
        counted = (each for each in record["annotations"] if not each.get("was_cancelled"))
        found: Any = next(counted, {"result": []})["result"]
    else:
        found = next((record[key] for key in ("entities", "label", "labels") if key in record), None)
    if found is None:
        raise ValueError(NONE)
    if isinstance(found, Mapping):
        yield from _cluener(found, text)
        return
    if not isinstance(found, list):
        told = f"{kind(found)} stands for the spans, a list is needed"
        raise ValueError(f"{told}; is it a class? Say `label: COLUMN`, no reader")
    for each in found:
        yield from _one(each, text)


def _cluener(found: Mapping[str, Any], text: str) -> Iterator[Span]:
    for type_, passages in found.items():
        for passage, places in passages.items():
            yield from (span(text, first, place(last) + 1, type_, passage) for first, last in places)


def _one(each: Any, text: str) -> Iterator[Span]:  # noqa: ANN401
    """The spans of one entry of a list, in one of four forms."""
    if not isinstance(each, Mapping):
        if not isinstance(each, list) or len(each) != 3:
            raise ValueError(f"{str(each)[:40]} is no span, [start, end, type] is needed")
        yield span(text, *each)
    elif "start_idx" in each:
        start, end, said = place(each["start_idx"]), place(each["end_idx"]), each.get("entity")
        exclusive = said is not None and text[start : end + 1] != said and text[start:end] == said
        yield span(text, start, end + (not exclusive), each["type"], said)
    elif "start_offset" in each:
        yield span(text, each["start_offset"], each["end_offset"], each["label"])
    else:
        held = each.get("value", each)
        if "labels" in held:  # relations and choices of Label Studio have none
            for type_ in held["labels"]:
                yield span(text, held["start"], held["end"], type_, held.get("text"))
