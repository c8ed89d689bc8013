"""Labelled rows: what fine-tuning learns and is tested on, and so is kept out of pre-training text.

A row's split is a function of its text alone (cleaned, then hashed), so that the same row is a test row
wherever and whenever the data are read, also when rows are added. Repeats are removed before splitting: a
repeat on both sides of a split would be an answer learned by heart.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field, model_validator

from corpora.columns import rows
from corpora.document import Document, digest, position
from corpora.encodings import Encoding
from corpora.errors import BadData
from corpora.filters import REPAIR, clean
from corpora.labelled.rows import LabelledRows, Row, Split
from corpora.lines import lines
from corpora.paths import locate
from corpora.places import Encoded, File, Place
from corpora.settings import Settings


class LabelledData(Settings):
    """Where labelled texts are: one file a label (`files`), or a table with two columns (`path`)."""

    files: Mapping[str, str] = Field(default_factory=dict)
    """Label -> path of a file with one text a line."""

    path: str | None = None
    """Path of a table with a text and a label column: .jsonl, .tsv or .csv, also compressed or in a .zip."""

    text: str = "text"
    """The column of the text in `path`, or a template of several: "{title}\\n{body}"."""

    label: str = "label"
    """The column of the label in `path`."""

    encoding: Encoding = "utf-8"
    """Of the files: utf-8, gb18030 (GBK and GB2312 are part of it), or auto, to find it out."""

    dev: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the rows that choose epochs and settings."""

    test: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the rows that are looked at once, at the end."""

    @model_validator(mode="after")
    def _can_be(self) -> "LabelledData":
        if bool(self.files) == bool(self.path):
            raise ValueError("give either `files` (label: path) or `path` (a table), not both or none")
        if self.dev + self.test >= 1:
            raise ValueError(f"dev {self.dev} + test {self.test} leave no rows to learn from")
        return self

    def outside(self) -> Sequence[File]:
        """The files that are read, in reading order."""
        named = [self.files[label] for label in sorted(self.files)] if self.path is None else [self.path]
        return [file for name in named for file, _ in locate(name)]

    def load(self) -> LabelledRows:
        """Read, clean, remove repeats, split.

        Raises:
            BadData: a file is missing, damaged or lacks a column; there are fewer than two labels; a split
                that was asked for stays empty.
        """
        labels, counts = dict[str, dict[str, str]](), Counter[str]()
        for text, label in self._cleaned(counts):
            counts["repeated"] += label in (known := labels.setdefault(digest(text), {}))
            known[label] = text
        counts["conflicting"] = sum(len(known) for known in labels.values() if len(known) > 1)
        kept = [
            (text, label) for known in labels.values() if len(known) == 1 for label, text in known.items()
        ]
        return self._split(kept, counts)

    def split_of(self, text: str) -> Split:
        """The split of a cleaned text."""
        place = position(text, "labelled split")
        return "test" if place < self.test else "dev" if place < self.test + self.dev else "train"

    def _split(self, kept: list[tuple[str, str]], counts: Counter[str]) -> LabelledRows:
        labels = tuple(sorted({label for _, label in kept}))
        if len(labels) < 2:
            raise BadData(f"{self._name()} has rows of {len(labels)} label(s) {list(labels)}; two are needed")
        numbers = {label: number for number, label in enumerate(labels)}
        splits: dict[Split, list[Row]] = {"train": [], "dev": [], "test": []}
        for text, label in sorted(kept, key=lambda row: position(row[0], "labelled order")):
            splits[self.split_of(text)].append(Row(text, label=numbers[label]))
        asked = {"train": 1.0, "dev": self.dev, "test": self.test}
        if empty := [split for split, found in splits.items() if asked[split] and not found]:
            raise BadData(f"{self._name()} has {len(kept)} rows, none falls into {empty[0]}; give more rows")
        train, dev, test = (tuple(found) for found in splits.values())
        sizes = {"train": len(train), "dev": len(dev), "test": len(test)}
        return LabelledRows(labels, train, dev, test, {**counts, **sizes})

    def _cleaned(self, counts: Counter[str]) -> Iterator[tuple[str, str]]:
        for name in ("read", "empty", "repeated"):
            counts[name] = 0
        for text, label in self._raw():
            counts["read"] += 1
            cleaned = clean(Document(text=text, id=""), REPAIR).result
            if isinstance(cleaned, str) or not cleaned.text:
                counts["empty"] += 1
            else:
                yield cleaned.text, label

    def _raw(self) -> Iterator[tuple[str, str]]:
        if self.path is not None:
            for place in self._places(self.path):
                yield from rows(place, self.text, self.label)
        for label in sorted(self.files):
            for place in self._places(self.files[label]):
                yield from ((text, label) for _, text in lines(place))

    def _places(self, path: str) -> Iterator[Place]:
        return (Encoded(place, self.encoding) for each in locate(path) for place in each.places())

    def _name(self) -> str:
        return self.path or ", ".join(self.files.values())
