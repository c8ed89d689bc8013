"""Tables as JSON objects, however they are laid out: one a line, or all in one array."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from corpora.document import Unreadable
from corpora.fields import Row, RowReader, kind, shown
from corpora.labelled.records import records
from corpora.places import Place

OTHER = "; is it SQuAD's JSON? Then say `reader: squad`"


class JsonRecords(RowReader):
    """JSON objects, one a line, printed over several lines, or all in one array (as CBLUE has them)."""

    name: Literal["json"] = "json"
    """JSON objects, one a line or all in one array."""

    def rows(self, place: Place) -> Iterator[Row | Unreadable]:
        """Yield the objects, with the lines where they begin."""
        for found in records(place):
            if isinstance(found, Unreadable):
                yield found
                continue
            line, record = found
            if not isinstance(record, dict):
                yield Unreadable("bad_record", line, str(record), f"is {kind(record)}, an object is needed")
            elif _is_squad(record):
                yield Unreadable("bad_record", line, shown({}), "no row of a table" + OTHER)
            else:
                yield line, record


def _is_squad(record: Mapping[str, Any]) -> bool:
    """Whether this is no row, but a whole file of questions."""
    held = record.get("data")
    return isinstance(held, list) and ("version" in record or any("paragraphs" in each for each in held[:1]))
