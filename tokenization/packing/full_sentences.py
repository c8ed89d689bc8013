"""Whole sentences up to the length, across documents (FULL-SENTENCES, arXiv:1907.11692, 4.2)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Encoded, Placed, sentences

SPECIALS = 2  # [CLS] A [SEP]


class FullSentences(Settings):
    """`[CLS] ... [SEP]`, filled with whole sentences; one more [SEP] stands between two documents."""

    kind: Literal["full_sentences"] = "full_sentences"
    """Rows are filled with neighbouring sentences and go on with the next document."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    company: ClassVar[int] = 1  # documents that should be packed together
    next_sentences: ClassVar[bool] = False
    filled: ClassVar[float] = 0.9  # of a row, in text of long documents: for plans

    def pack(self, documents: Encoded, seed: int) -> Iterator[Placed]:
        """Yield rows in the order of the text; nothing is drawn."""
        room = self.length - SPECIALS
        begin = end = document = separators = 0  # of the row being filled
        for stop, owner in zip(*sentences(documents, room), strict=True):
            between = int(begin < end and owner != document)
            if begin < end and stop - begin + separators + between > room:
                yield Placed(begin, end)
                begin, separators, between = end, 0, 0
            end, document, separators = stop, owner, separators + between
        if begin < end:
            yield Placed(begin, end)
