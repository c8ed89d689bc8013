"""Family of readers of labelled data: tables, columns of tags, spans, questions. Register in `Reader`.

Tables are read by the readers of `corpora.readers`; which of their columns hold what is said by the data's
settings. The others know it: a member is a frozen value with a `kind` and one method, `read(place, labelled)
-> Iterator[Raw | Unreadable]`.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.errors import UsageError
from corpora.fields import RowReader
from corpora.labelled.readers.json_records import JsonRecords
from corpora.labelled.readers.spans import Spans
from corpora.labelled.readers.squad import Squad
from corpora.labelled.readers.tagged_words import TaggedWords
from corpora.labelled.readers.token_columns import TokenColumns
from corpora.places import Place
from corpora.readers import Arrow, Csv, Datasets, Jsonl, Parquet, reader_for
from corpora.settings import named

__all__ = [
    "JsonRecords",
    "Known",
    "Reader",
    "Spans",
    "Squad",
    "Table",
    "TaggedWords",
    "TokenColumns",
    "reader_of",
]

Table: TypeAlias = Csv | Jsonl | JsonRecords | Parquet | Arrow | Datasets
Known: TypeAlias = TokenColumns | TaggedWords | Spans | Squad
"""Those that say themselves what is known of a row."""

Reader = Annotated[Table | Known, Field(discriminator="name"), named("name")]

TAGGED = (".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes", ".bmes")


def reader_of(told: Reader | None, place: Place) -> Known | RowReader:
    """The reader for a place: as told, or that of the form of table that its name says.

    Raises:
        UsageError: its name says nothing about how to read it, or that it is no table.
    """
    return _by_name(place) if told is None or isinstance(told, Datasets) else told


def _by_name(place: Place) -> RowReader:
    ends = [suffix.lower() for suffix in place.suffixes[-2:]]  # .json.gz, too
    if ".json" in ends:
        return JsonRecords()
    if any(suffix in TAGGED for suffix in ends):
        raise UsageError(f"{place}: for columns of tokens and tags, say `reader: token_columns`")
    try:
        found = reader_for(place)
    except UsageError as error:
        raise UsageError(
            f"{place}: no reader is known for {place.suffix!r}; save it as .csv, .tsv, .jsonl or .parquet, "
            "or say under `reader` which of those it is"
        ) from error
    if isinstance(found, RowReader):
        return found
    raise UsageError(
        f"{place} is no table, such as .jsonl, .csv or .tsv; for one file a label, say `files`, for tokens "
        'and tags in columns `reader: token_columns`, for tabs `reader: {name: csv, delimiter: "\\t"}`'
    )
