"""Each character is a word of its own: masking then is as in the first Chinese BERT."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from corpora.settings import Settings
from tokenization.segmenters.spans import Segment, Spans


class Character(Settings):
    """One word a character.

    >>> Character().prepare()("北京 ok")
    [(0, 1), (1, 2), (3, 4), (4, 5)]
    """

    name: Literal["character"] = "character"
    """Each character is a word; pieces of a Latin word that the tokenizer keeps together stay together."""

    def files(self) -> Sequence[Path]:
        """Nothing is read."""
        return ()

    def prepare(self) -> Segment:
        """The segmenting function."""
        return _segment


def _segment(text: str) -> Spans:
    return [(place, place + 1) for place, letter in enumerate(text) if not letter.isspace()]
