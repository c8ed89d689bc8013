"""Whole sentences up to the length, across documents (FULL-SENTENCES, arXiv:1907.11692, 4.2)."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Encoded, Frame, Stretch, sentences
from tokenization.tokens import Row

SPECIALS = 2  # [CLS] A [SEP]


class FullSentences(Settings):
    """`[CLS] ... [SEP]`, filled with whole sentences; one more [SEP] stands between two documents."""

    kind: Literal["full_sentences"] = "full_sentences"
    """Rows are filled with neighbouring sentences and go on with the next document."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    def pack(self, documents: Iterable[Encoded], frame: Frame, seed: int) -> Iterator[Row]:
        """Yield rows in the order of the text; nothing is drawn."""
        held, size, room = list[Stretch](), 0, self.length - SPECIALS
        for document in documents:
            for sentence in sentences(document, room):
                between = int(bool(held) and held[-1].document is not document)
                if held and size + between + len(sentence) > room:
                    yield frame.row(held)
                    held, size, between = [], 0, 0
                held.append(sentence)
                size += between + len(sentence)
        if held:
            yield frame.row(held)
