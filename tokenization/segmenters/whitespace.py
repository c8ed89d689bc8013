"""Words as written between spaces, for English and for text that was segmented beforehand."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from corpora.settings import Settings
from tokenization.segmenters.spans import Segment, Spans

WORD = re.compile(r"\w+(?:['’\-]\w+)*|[^\w\s]")  # don't and well-known are one word; a mark stands alone
RUN = re.compile(r"\S+")


class Whitespace(Settings):
    """Runs between spaces; unless told otherwise, punctuation at their edges is split off.

    >>> Whitespace().prepare()("I don't, OK?").tolist()
    [[0, 1], [2, 7], [7, 8], [9, 11], [11, 12]]
    >>> Whitespace(punctuation=False).prepare()("I don't, OK?").tolist()
    [[0, 1], [2, 8], [9, 12]]
    """

    name: Literal["whitespace"] = "whitespace"
    """Words are what stands between spaces."""

    punctuation: bool = True
    """Whether each punctuation mark is a word of its own; turn off for text that is segmented already."""

    def files(self) -> Sequence[Path]:
        """Nothing is read."""
        return ()

    def prepare(self) -> Segment:
        """The segmenting function."""
        pattern = WORD if self.punctuation else RUN

        def segment(text: str) -> Spans:
            return np.array([match.span() for match in pattern.finditer(text)], np.int64).reshape(-1, 2)

        return segment
