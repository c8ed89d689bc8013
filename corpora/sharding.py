"""Stage: piles of text -> clean documents, each once, in verified shard files for train and validation.

One pass over the sources, in the recipe's order. In memory are one shard file a split, a sample of the
rejects and the digests of deduplication. Every document read is accounted for (see `corpora.ledger`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from corpora.artefact import Artefact, Draft
from corpora.deduplication import Seen
from corpora.document import Document, position
from corpora.errors import BadData
from corpora.filters import Cleaning, filters_of
from corpora.labelled import LabelledData
from corpora.ledger import Ledger, together, total
from corpora.manifest import canonical as canonical_json
from corpora.paths import Unchanged, refuse_repeats, resolve
from corpora.readers import Reader, reader_for
from corpora.rejects import Rejects
from corpora.reporter import Reporter
from corpora.selection import HeldOut, Selection
from corpora.settings import Items, Settings, named
from corpora.shards import SPLITS, ShardWriter, read_shard, read_shards, shard_files
from corpora.stage import Report, StageSettings

__all__ = ["Shard", "Source", "read_shard", "read_shards", "shard", "shard_files"]


class Source(Settings):
    """Files of one kind that belong together and are counted together."""

    path: Annotated[str, Field(min_length=1)]
    """Path, glob, {a,b} alternatives, or package:NAME/inner/path for a file that an installed package
    carries."""

    name: str | None = None
    """The source's name in counts and shards; left out, the last part of its path."""

    reader: Reader | None = None
    """How to read it: plain_text, jsonl or tagged_text; left out, the file's name decides."""

    @property
    def title(self) -> str:
        """Its name, or what stands for it."""
        return self.name or self.path.rsplit("/", 1)[-1]

    def readers(self) -> list[tuple[Path, Reader]]:
        """Its files, each with the reader for it.

        Raises:
            BadData: a file is missing.
            UsageError: a file's name says nothing about how to read it.
        """
        return [(file, self.reader or reader_for(file)) for file in resolve(self.path)]

    def documents(self) -> Iterator[Document]:
        """Its documents, file by file."""
        for file, reader in self.readers():
            for document in reader.read(file):
                document.metadata |= {"source": self.title, "file": file.name}
                yield document


class Shard(StageSettings):
    """Read, clean, deduplicate and split text; write it as zstd-compressed JSON lines."""

    makes: ClassVar[str] = "shards"
    # No draw is made here (splits go by hash), and `max_dropped` stops the stage or changes nothing.
    unfingerprinted: ClassVar[frozenset[str]] = frozenset({"speed", "seed", "max_dropped"})

    kind: Literal["shard"] = "shard"
    """Text files -> shards."""

    sources: Annotated[Items[Annotated[Source, named("path")]], Field(min_length=1)]
    """What to read, in order: paths, or {name, path, reader}."""

    cleaning: Cleaning = "light"
    """`none`, `light` (control characters, NFC, white space, at least 2 characters), or a list of filters."""

    max_dropped: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Stop when cleaning drops more than this share of a source's characters."""

    deduplication: Literal["none", "exact"] = "exact"
    """`exact` keeps the first of the documents that are equal after cleaning, across all sources."""

    exclude: Items[LabelledData] = ()
    """Labelled data whose dev and test rows must not be in the text: a document that is, or has a line that
    is, one of them is left out."""

    validation: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the documents held out of training, chosen by the hash of their ids: stable when text is
    added."""

    file_characters: Annotated[int, Field(ge=1)] = 2_000_000
    """Characters of a shard file (a document is never cut); files are what encoding works on in parallel."""

    rejects: Annotated[int, Field(ge=0)] = 20
    """Dropped documents to keep in rejects.jsonl for looking at, for each source and reason."""

    @model_validator(mode="after")
    def _names_differ(self) -> "Shard":
        titles = [source.title for source in self.sources]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ValueError(f"two sources are called {twice[0]!r}; give each a `name` of its own")
        return self

    def outside(self) -> Sequence[Path]:
        """Text files, then files of labelled data."""
        text = [file for source in self.sources for file, _ in source.readers()]
        refuse_repeats(text)
        labelled = [file for data in self.exclude for file in data.outside()]
        return list(dict.fromkeys([*text, *labelled]))


def shard(config: Shard, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Make shards.

    Raises:
        BadData: a source cannot be read, changed meanwhile, lost too much in cleaning, or nothing is left.
    """
    unchanged = Unchanged(config.outside())
    seen = Seen() if config.deduplication == "exact" else None
    selection = Selection(filters_of(config.cleaning), HeldOut(config.exclude), seen)
    rejects, ledgers = Rejects(config.rejects), {source.title: Ledger() for source in config.sources}
    writers = {split: ShardWriter(out, split, config.file_characters) for split in SPLITS}
    for source in config.sources:
        ledger = ledgers[source.title]
        for document in reporter.track(source.documents(), f"reading {source.title}", unit="documents"):
            chosen, before = selection.choose(document), len(document.text)
            if isinstance(chosen, str):
                ledger.drop(chosen, before)
                rejects.add(document, chosen)
            else:
                split = _split(chosen, config.validation)
                ledger.keep(split, len(chosen.text), before)
                writers[split].add(chosen)
        _check_losses(source.title, ledger, config.max_dropped)
    for writer in writers.values():
        writer.close()
    unchanged.check()
    with out.write("rejects.jsonl") as file:
        for row in rejects.rows():
            file.write(canonical_json(row).encode() + b"\n")
    return _report(config, ledgers, {split: writer.files for split, writer in writers.items()}, reporter)


def _split(document: Document, validation: float) -> str:
    return "validation" if position(document.id, "validation split") < validation else "train"


def _check_losses(title: str, ledger: Ledger, max_dropped: float) -> None:
    dropped = ledger.dropped_by_cleaning()
    lost = total(dropped.values()).characters
    if lost > max_dropped * ledger.read.characters:
        reasons = ", ".join(f"{reason}: {tally.characters:,}" for reason, tally in sorted(dropped.items()))
        raise BadData(
            f"cleaning would drop {lost:,} of the {ledger.read.characters:,} characters of {title!r} "
            f"({reasons}), more than max_dropped {max_dropped:g} of them; mend the text, change `cleaning`, "
            "or raise max_dropped"
        )


def _report(
    config: Shard, ledgers: Mapping[str, Ledger], files: Mapping[str, int], reporter: Reporter
) -> Report:
    whole = together(ledgers.values())
    train, validation = whole.kept["train"], whole.kept["validation"]
    told = f"{whole.read.documents:,} documents were read" + (
        f" ({whole.reasons()})" if whole.dropped else ""
    )
    if not train.documents:
        raise BadData(f"no document is left to train on: {told}; give more text, or lower `validation`")
    if config.validation and not validation.documents:
        reporter.say(f"no document fell into validation, whose share is {config.validation:g}: {told}")
    return Report(
        f"{train.documents:,} documents, {train.characters:,} characters to train on, "
        f"{validation.documents:,} documents to validate on; {told}",
        {
            **whole.facts(),
            "files": dict(files),
            "sources": {title: ledger.facts() for title, ledger in ledgers.items()},
        },
    )
