"""Tables in columns, read by pyarrow batch by batch: what the readers of Parquet and Arrow files share."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.fields import Row, RowReader
from corpora.lines import open_bytes
from corpora.places import Place

ROWS = 128
"""Rows that become Python values at once; a megabyte each is no trouble."""


Batches: TypeAlias = Callable[[Sequence[str]], Iterator[Any]]
"""Names of columns -> record batches with these columns at least, in order."""


class TableReader(RowReader):
    """Base of the readers of such files: a member adds its `name` and the method `opened`."""

    def opened(self, file: BinaryIO, place: Place) -> tuple[Any, Batches]:
        """The schema, and what reads the batches.

        Raises:
            BadData: it cannot be read in this way.
            pyarrow.ArrowException: it is damaged, or of another form.
        """
        raise NotImplementedError

    def rows(self, place: Place) -> Iterator[Row | Unreadable]:
        """Yield the rows with the columns that are needed; their lines are their numbers, from 1."""
        import pyarrow

        with open_bytes(place) as file:
            try:
                schema, batches = self.opened(file, place)
                columns, line = self.needed(schema, place), 0
                spelt = class_names(schema) if self.needs().any_type else {}
                for batch in batches(columns):
                    for start in range(0, batch.num_rows, ROWS):
                        piece = batch.slice(start, ROWS)
                        values = [
                            [_spelt(value, spelt.get(name, ())) for value in piece.column(name).to_pylist()]
                            for name in columns
                        ]
                        for row in zip(*values, strict=True):
                            line += 1
                            yield line, dict(zip(columns, row, strict=True))
            except pyarrow.ArrowException as error:
                kind = f"{self.name.capitalize()} file"  # type: ignore[attr-defined] # each member has one
                raise BadData(f"{place} is no {kind}, or is damaged or cut short ({error})") from error

    def needed(self, schema: Any, place: Place) -> list[str]:  # noqa: ANN401 (pyarrow has no types)
        """The columns to read.

        Raises:
            BadData: one is not there, or cannot hold text.
        """
        self.check_columns(schema.names, str(place))
        needs = self.needs()
        wanted = {name for need in needs.required for name in need.names} | {*needs.optional}
        wanted |= {field.partition(".")[0] for field in wanted - set(schema.names)}
        names = [name for name in schema.names if name in wanted]
        for name in names:
            if not needs.any_type and not _can_hold_text(schema.field(name).type):
                told = ", ".join(f"{field.name!r} {field.type}" for field in schema)
                raise BadData(
                    f"{place}: column {name!r} holds {schema.field(name).type}, not text (columns: {told}); "
                    "say under `reader` which is the text, the id, the group; for no id, `id: null`"
                )
        return names


def class_names(schema: Any) -> Mapping[str, Sequence[str]]:  # noqa: ANN401
    """Names of the classes of each column that `datasets` says holds numbers of classes, or lists of them."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = dict(told.get("info", {}).get("features") or {})
    except (ValueError, AttributeError, TypeError):
        return {}
    found = {}
    for column, feature in features.items():
        inner = feature[0] if isinstance(feature, list) and feature else feature
        for each in (inner, inner.get("feature") if isinstance(inner, dict) else None):
            if isinstance(each, dict) and each.get("_type") == "ClassLabel":
                found[column] = tuple(map(str, each.get("names") or ()))
    return found


def _spelt(value: object, names: Sequence[str]) -> object:
    """A number of a class as its name; what has none (-1: not known) is null."""
    if not names:
        return value
    if isinstance(value, list):
        return [_spelt(each, names) for each in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _can_hold_text(type_: Any) -> bool:  # noqa: ANN401
    from pyarrow import types

    if types.is_dictionary(type_):
        return _can_hold_text(type_.value_type)
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(type_) for test in (*texts, types.is_integer, types.is_struct, types.is_null))
