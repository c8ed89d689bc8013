"""Two neighbouring segments a row, for sentence-order prediction (ALBERT, arXiv:1909.11942, section 3.1).

The walk is that of BERT's `create_pretraining_data.py`: sentences are gathered up to a target length, then
cut in two at a random sentence. Unlike there, a sentence that would not fit opens the next row, where BERT
trims tokens away; and a row of one sentence has no second segment, where ALBERT takes one of another document
and so mixes topic with order. Segments are stored in the order of the text: training swaps them, anew in each
epoch.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import xxhash
from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Encoded, Frame, Stretch, sentences
from tokenization.tokens import Row

SPECIALS = 3  # [CLS] A [SEP] B [SEP]
SHORT, TARGET, CUT = range(3)  # what is drawn


class SegmentPairs(Settings):
    """`[CLS] A [SEP] B [SEP]`: A and B follow one another in one document."""

    kind: Literal["segment_pairs"] = "segment_pairs"
    """Rows are pairs of neighbouring segments of one document."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    short: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the documents that are packed to a shorter length, drawn per document from 2 to `length`."""

    def pack(self, documents: Iterable[Encoded], frame: Frame, seed: int) -> Iterator[Row]:
        """Yield the rows of each document; its draws depend on `seed` and its number alone."""
        for document in documents:
            for number, chunk in enumerate(_chunks(document, self._target(seed, document), self.longest)):
                cut = 1 + _draw(len(chunk) - 1, seed, document, CUT, number) if len(chunk) > 1 else 1
                yield frame.row(chunk[:cut], chunk[cut:])

    @property
    def longest(self) -> int:
        """Tokens of text that a row holds."""
        return self.length - SPECIALS

    def _target(self, seed: int, document: Encoded) -> int:
        if _draw(1 << 32, seed, document, SHORT) >= self.short * (1 << 32):
            return self.longest
        return 2 + _draw(self.longest - 1, seed, document, TARGET)


def _chunks(document: Encoded, target: int, longest: int) -> Iterator[list[Stretch]]:
    """Sentences gathered until they reach `target` tokens, or until the next one would pass `longest`."""
    chunk, size = list[Stretch](), 0
    for sentence in sentences(document, longest):
        if chunk and (size >= target or size + len(sentence) > longest):
            yield chunk
            chunk, size = [], 0
        chunk.append(sentence)
        size += len(sentence)
    if chunk:
        yield chunk


def _draw(below: int, seed: int, document: Encoded, purpose: int, number: int = 0) -> int:
    """A number in [0, below): the hash of what it is drawn for, so that no draw depends on another."""
    key = struct.pack("<4Q", seed, document.number, purpose, number)
    return xxhash.xxh3_64_intdigest(key) % below
