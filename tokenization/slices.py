"""Slices: neighbouring documents of one shard file, what a worker encodes and packs at a time.

A slice depends on the text alone, and its rows on slice and settings alone, so that neither the number of
workers nor a restart changes anything. Packing begins anew with each slice.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tokenization import tokenizer
from tokenization.counts import Counts
from tokenization.encoder import Encoder
from tokenization.packing import Frame, Packing
from tokenization.segmenters import Segmenter
from tokenization.tokens import Row
from tokenization.vocabulary import Vocabulary

CHARACTERS = 1 << 17  # of a slice, reached by all but the last of a file; about a third of a second of work

Numbered: TypeAlias = tuple[str, int, str]
"""(file of rows that it goes to, number within the split, text) of a document."""


@dataclass(frozen=True)
class Slice:
    """Neighbouring documents; `str` says which."""

    part: str
    first: int
    texts: list[str]

    def __str__(self) -> str:
        """Its documents, for messages."""
        return f"documents {self.first:,} to {self.first + len(self.texts) - 1:,} (for {self.part})"


@dataclass(frozen=True)
class Packed:
    """The rows of a slice, and what was counted."""

    part: str
    rows: list[Row]
    counts: Counts


@dataclass(frozen=True)
class Preparation:
    """What a process needs for encoding; called, it loads dictionary and tokenizer."""

    segmenter: Segmenter
    tokenizer: Path
    packing: Packing
    vocabulary: Vocabulary
    seed: int

    def __call__(self) -> "Packer":
        """The function from a slice to its rows."""
        text = tokenizer.for_text(self.tokenizer)
        return Packer(self, Encoder(self.segmenter.prepare(), text, self.vocabulary.unk_id))


class Packer:
    """Encodes and packs slices, each without regard to the others."""

    def __init__(self, preparation: Preparation, encoder: Encoder) -> None:
        """Take what was prepared."""
        vocabulary = preparation.vocabulary
        self._packing, self._seed, self._encoder = preparation.packing, preparation.seed, encoder
        self._frame = Frame(vocabulary.cls_id, vocabulary.sep_id)

    def __call__(self, part: Slice) -> Packed:
        """Rows in the order of the text."""
        counts = Counts()
        numbered = enumerate(part.texts, part.first)
        documents = [self._encoder.encode(number, text, counts) for number, text in numbered]
        rows = list(self._packing.pack(documents, self._frame, self._seed))
        tokens = sum(len(row.ids) for row in rows)
        counts.numbers.update(rows=len(rows), tokens=tokens, pairs=sum(row.second > 0 for row in rows))
        return Packed(part.part, rows, counts)


def slices(documents: Iterable[Numbered]) -> Iterator[Slice]:
    """Group documents into slices; one never spans two files, nor is a document ever cut."""
    for part, group in itertools.groupby(documents, lambda document: document[0]):
        texts, characters, first = list[str](), 0, 0
        for _, number, text in group:
            first = first if texts else number
            texts.append(text)
            characters += len(text)
            if characters >= CHARACTERS:
                yield Slice(part, first, texts)
                texts, characters = [], 0
        if texts:
            yield Slice(part, first, texts)
