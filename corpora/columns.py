"""Two columns of a table with a header: JSON lines, TSV (unquoted) or CSV (quotes may hold line ends)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from corpora.errors import BadData, UsageError
from corpora.lines import lines
from corpora.readers.jsonl import records


def rows(path: Path, text: str, label: str) -> Iterator[tuple[str, str]]:
    """Yield (text, label) of each row; a label that is a whole number is spelt in digits.

    Raises: BadData: with `file:line`, a column is missing, a row has another number of fields, a value is no
        text. UsageError: the name's end says no known form of table.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if {".jsonl", ".ndjson"} & set(suffixes):
        table: Iterator[tuple[int, dict[str, object]]] = records(path)
    elif {".tsv", ".csv"} & set(suffixes):
        table = _separated(path, tabs=".tsv" in suffixes)
    else:
        raise UsageError(f"{path} is no .jsonl, .tsv or .csv, and other tables are not read")
    for line, row in table:
        yield _text(row, text, path, line), _label(row, label, path, line)


def _separated(path: Path, tabs: bool) -> Iterator[tuple[int, dict[str, object]]]:
    source = (line + "\n" for _, line in lines(path))
    if tabs:
        reader = csv.reader(source, delimiter="\t", quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(source, strict=True)
    try:
        header = next(reader, [])
        for fields in reader:
            if len(fields) != len(header):
                raise BadData(
                    f"{path}:{reader.line_num}: {len(fields)} fields, the header has {len(header)} {header}"
                )
            yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise BadData(f"{path}:{reader.line_num}: {error}") from error


def _text(row: dict[str, object], column: str, path: Path, line: int) -> str:
    value = _value(row, column, path, line)
    if isinstance(value, str):
        return value
    raise BadData(f"{path}:{line}: column {column!r} holds {value!r}, a text is needed")


def _label(row: dict[str, object], column: str, path: Path, line: int) -> str:
    value = _value(row, column, path, line)
    if isinstance(value, str | int) and str(value).strip():
        return str(value).strip()
    raise BadData(
        f"{path}:{line}: column {column!r} holds {value!r}, a label (word or whole number) is needed"
    )


def _value(row: dict[str, object], column: str, path: Path, line: int) -> object:
    if column not in row:
        raise BadData(f"{path}:{line}: no column {column!r} (columns: {', '.join(map(repr, row))})")
    return row[column]
