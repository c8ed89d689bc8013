"""Each character is a word of its own: masking then is as in the first Chinese BERT."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from corpora.settings import Settings
from tokenization.segmenters.spans import Segment, Spans


class Character(Settings):
    """One word a character.

    >>> Character().prepare()("北京 ok").tolist()
    [[0, 1], [1, 2], [3, 4], [4, 5]]
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
    begins = np.flatnonzero([not letter.isspace() for letter in text])
    return np.stack([begins, begins + 1], axis=1)
