"""Settings of the stage `shard`: what a recipe says about its text."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from corpora.decontamination import Decontamination
from corpora.deduplication import Deduplicate, Deduplication
from corpora.executors import Executor, Local
from corpora.filters import Cleaning, Filter, filters_of, tables_of
from corpora.labelled import LabelledData
from corpora.places import File
from corpora.settings import Items, Settings, named
from corpora.sources import Source, files_of
from corpora.stage import Aside, StageSettings


class ShardSpeed(Settings):
    """What changes the time that the text takes, and the machines that it takes it on, and nothing else."""

    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Tasks that are worked on at once; `auto`: as many as the executor has cores."""

    executor: Executor = Local()
    """Where tasks are worked on: local, ray or slurm."""

    run_megabytes: Annotated[int, Field(ge=1)] = 32
    """Text that a worker holds at once. It takes about four times that in memory, and 150 MB. Far more than
    100 GB of text want more: the time of the last phase grows with the square of text / run_megabytes."""

    @property
    def run_bytes(self) -> int:
        """The same in bytes."""
        return self.run_megabytes << 20


class Shard(StageSettings):
    """Read, clean, deduplicate, mix, shuffle and split text; write it as zstd-compressed JSON lines."""

    makes: ClassVar[str] = "shards"
    format: ClassVar[int] = 2

    kind: Literal["shard"] = "shard"
    """Text files -> shards."""

    sources: Annotated[Items[Annotated[Source, named("path")]], Field(min_length=1)]
    """What to read, in order: paths, or {path, name, reader, encoding, invalid, cleaning, weight, cap}."""

    cleaning: Cleaning = "light"
    """`none`, `light` (repair, white space, at least 2 characters), `web` (the prose of crawled pages), or a
    list of filters, `light` and `web` among them; a source may have its own."""

    max_dropped: Annotated[float, Field(ge=0, le=1), Aside()] = 0.2  # it stops, or changes nothing
    """Stop when cleaning drops more than this share of a source's characters."""

    deduplication: Deduplicate = Deduplication()
    """Which repeats are left out, over all sources, the first in their order stays: none, exact, near, or
    {documents, paragraphs, near}."""

    exclude: Items[LabelledData] = ()
    """Labelled data whose dev and test rows must not be in the text: a document that is, or has a line that
    is, one of them is left out."""

    decontamination: Decontamination | None = None
    """Leave out documents that share a long run of words with evaluation text; {} for the usual settings."""

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the documents held out of training, chosen by the hash of their ids, or of their `group`s:
    stable when text is added."""

    file_characters: Annotated[int, Field(ge=1)] = 2_000_000
    """Most characters of a shard file, for which encoding works on them in parallel. Only a document that is
    longer by itself, or a 65,536th of the split, makes a longer file: documents are never cut."""

    rejects: Annotated[int, Field(ge=0)] = 20
    """Dropped documents to keep in rejects.jsonl for looking at, for each source and reason."""

    speed: Annotated[ShardSpeed, Aside()] = ShardSpeed()
    """Settings that never change the result."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Shard":
        titles = [source.title for source in self.sources]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ValueError(f"two sources are called {twice[0]!r}; give each a `name` of its own")
        return self

    def filters(self) -> dict[str, Sequence[Filter]]:
        """How each source is cleaned, by title."""
        own = {source.title: source.cleaning for source in self.sources}
        return {title: filters_of(self.cleaning if mine is None else mine) for title, mine in own.items()}

    def outside(self) -> Sequence[File]:
        """Text files, files of labelled data and of evaluation text, dictionaries of filters."""
        labelled = [file for data in self.exclude for file in data.outside()]
        texts = self.decontamination.texts if self.decontamination else ()
        tables = tables_of(member for filters in self.filters().values() for member in filters)
        return list(dict.fromkeys([*files_of(self.sources), *labelled, *files_of(texts), *tables]))
