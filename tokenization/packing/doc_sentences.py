"""Whole sentences up to the length, never across documents (DOC-SENTENCES, arXiv:1907.11692, 4.2)."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Encoded, Frame, Stretch, sentences
from tokenization.tokens import Row

SPECIALS = 2  # [CLS] A [SEP]


class DocSentences(Settings):
    """`[CLS] ... [SEP]` of one document; its last row may be short."""

    kind: Literal["doc_sentences"] = "doc_sentences"
    """Rows are filled with neighbouring sentences of one document."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    def pack(self, documents: Iterable[Encoded], frame: Frame, seed: int) -> Iterator[Row]:
        """Yield rows in the order of the text; nothing is drawn."""
        room = self.length - SPECIALS
        for document in documents:
            held, size = list[Stretch](), 0
            for sentence in sentences(document, room):
                if held and size + len(sentence) > room:
                    yield frame.row(held)
                    held, size = [], 0
                held.append(sentence)
                size += len(sentence)
            if held:
                yield frame.row(held)
