"""Tables with a delimiter between values: CSV, whose quoted values may hold line ends, and TSV.

Not by the `csv` module, which takes a lone CR for the end of a line, does not tell where a record began, and
holds no value of over 131,072 characters unless a setting of the whole process is changed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.fields import Row, RowReader
from corpora.lines import Line, lenient_lines
from corpora.places import Place
from corpora.settings import Items

LONGEST_RECORD = 64 << 20  # characters; a longer one can only be a quote that is never closed
INSIDE = re.compile('[^"]*+(?:""[^"]*+)*+')  # up to the closing quote, or to the end of the line
TOO_LONG = f"over {LONGEST_RECORD:,} characters; is a quote not closed? If it is none, say `quotes: false`"


NO_HEADER = "; or is that line no header? Then say `columns: [text, ...]`"
OLD_ENDS = "lines that end in a lone CR, as of old; convert the file, as in tr '\\r' '\\n'"
DELIMITERS = "\t;|,"  # that files often have


class Csv(RowReader):
    """A table in text, .csv or .tsv, with names of columns in its first line. Blank lines are no records."""

    name: Literal["csv"] = "csv"
    """A table with one record a line and a delimiter between values: .csv, .tsv and their like."""

    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] | None = None
    """One character; left out, a tab for .tsv and .tab, a comma for other names."""

    quotes: bool | None = None
    """Whether values may stand in double quotes; left out, they may, unless the delimiter is a tab.

    Such values may hold delimiters, line ends and doubled quotes."""

    columns: Items[str] = ()
    """Names of the columns, where the file has no header; left out, its first line has them."""

    def rows(self, place: Place) -> Iterator[Row | Unreadable]:
        """Yield the records, each with the line where it begins."""
        delimiter = self.delimiter or ("\t" if {".tsv", ".tab"} & set(place.suffixes[-2:]) else ",")
        quotes = self.quotes if self.quotes is not None else delimiter != "\t"
        columns: Sequence[str] = self.columns
        if columns:
            self.check_columns(columns, str(place))
        for record in _records(lenient_lines(place, 4 * LONGEST_RECORD), delimiter, quotes):
            if columns:
                yield _row(record, columns)
            elif record.fault or record.problem:
                raise BadData(f"{place}:{record.line}: {record.fault or record.problem}")
            else:
                columns = record.values
                if any("\r" in name for name in columns) and self.needs().absent(columns):
                    raise BadData(f"{place}:{record.line}: {OLD_ENDS}")
                self.check_columns(columns, f"{place}:{record.line}", _hint(columns))


def _hint(header: Sequence[str]) -> str:
    """What may be the matter with a table whose first line has not the columns that are asked for."""
    if len(header) == 1 and (found := next((mark for mark in DELIMITERS if mark in header[0]), None)):
        told = f"{{name: csv, delimiter: {json.dumps(found)}}}"
        return f"; or do other marks part the values? Say `reader: {told}`"
    return NO_HEADER


class _Record(NamedTuple):
    line: int  # where it begins
    values: Sequence[str]
    raw: Sequence[str]  # its lines
    fault: str  # of its bytes
    problem: str  # of its form


def _row(record: _Record, columns: Sequence[str]) -> Row | Unreadable:
    if not record.fault and not record.problem and len(record.values) == len(columns):
        return record.line, dict(zip(columns, record.values, strict=True))
    text = "\n".join(record.raw)
    if record.fault:
        return Unreadable("bad_encoding", record.line, text, record.fault)
    counted = f"{len(record.values)} values, there are {len(columns)} columns {list(columns)}"
    return Unreadable("bad_record", record.line, text, record.problem or counted)


def _records(lines: Iterable[Line], delimiter: str, quotes: bool) -> Iterator[_Record]:
    quoted = None
    for line in lines:
        if quoted is None and not (quotes and '"' in line.text):
            if line.text:
                problem = TOO_LONG if len(line.text) > LONGEST_RECORD else ""
                yield _Record(line.number, line.text.split(delimiter), (line.text,), line.fault, problem)
            continue
        quoted = quoted or _Quoted(delimiter)
        if quoted.add(line):
            yield quoted.record()
            quoted = None
    if quoted is not None:
        quoted.problem = "a quote is opened here and never closed; if it is none, say `quotes: false`"
        yield quoted.record()


class _Quoted:
    """A record with quotes in it, taken line by line until it is whole."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter, self._size, self.problem = delimiter, 0, ""
        self._lines, self._values = list[Line](), list[str]()
        self._open = list[str]()  # lines of the value whose closing quote is still to come

    def record(self) -> _Record:
        """What there is of it."""
        fault = next((line.fault for line in self._lines if line.fault), "")
        raw = [line.text for line in self._lines]
        return _Record(self._lines[0].number, self._values, raw, fault, self.problem)

    def add(self, line: Line) -> bool:
        """Take the next line; whether the record ends with it, or with a problem."""
        self._lines.append(line)
        self._size += len(line.text) + 1
        if self._size > LONGEST_RECORD:
            self.problem = TOO_LONG
        return self.problem != "" or self._ends_with(line.text)

    def _ends_with(self, text: str) -> bool:
        at = 0
        while True:
            if self._open or text.startswith('"', at):
                end = self._inside(text, at if self._open else at + 1)
                if end is None:
                    return False
                if not text.startswith(self._delimiter, end) and end < len(text):
                    self.problem = (
                        f"{text[end : end + 9]!r} follows a closing quote; quotes within are doubled"
                    )
                    return True
            else:
                end = text.find(self._delimiter, at)
                end = len(text) if end < 0 else end
                self._values.append(text[at:end])
            if end == len(text):
                return True
            at = end + 1

    def _inside(self, text: str, at: int) -> int | None:
        """Take what is within quotes from `at` on; where the closing quote ends, None if it is to come."""
        end = INSIDE.match(text, at).end()  # type: ignore[union-attr] # it matches everywhere
        self._open.append(text[at:end])
        if end == len(text):
            return None
        self._values.append("\n".join(self._open).replace('""', '"'))
        self._open = []
        return end + 1
