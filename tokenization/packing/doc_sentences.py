"""Whole sentences up to the length, never across documents (DOC-SENTENCES, arXiv:1907.11692, 4.2)."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Encoded, Placed, sentences

SPECIALS = 2  # [CLS] A [SEP]


class DocSentences(Settings):
    """`[CLS] ... [SEP]` of one document; its last row may be short."""

    kind: Literal["doc_sentences"] = "doc_sentences"
    """Rows are filled with neighbouring sentences of one document."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    company: ClassVar[int] = 1  # documents that should be packed together
    next_sentences: ClassVar[bool] = False
    filled: ClassVar[float] = 0.85  # of a row, in text of long documents: for plans

    def pack(self, documents: Encoded, seed: int) -> Iterator[Placed]:
        """Yield rows in the order of the text; nothing is drawn."""
        room = self.length - SPECIALS
        begin = end = document = 0  # of the row being filled
        for stop, owner in zip(*sentences(documents, room), strict=True):
            if begin < end and (owner != document or stop - begin > room):
                yield Placed(begin, end)
                begin = end
            end, document = stop, owner
        if begin < end:
            yield Placed(begin, end)
