"""Two segments a row without a task for them, as ELECTRA's text was packed.

The walk is that of google-research/electra, build_pretraining_dataset.py: sentences of a document are
gathered up to a target length, drawn anew for each row; the row is cut in two behind the sentence that
reaches half of it, or before that one. Two things are mended. The script lets a short sentence return to A,
behind what is in B already: here B is whatever follows A. And the script loses what a row has no room for:
here a sentence that would not fit opens the next row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Draws, Encoded, Placed, sentences

SPECIALS = 3  # [CLS] A [SEP] B [SEP]
SHORTEST = 5  # tokens that a target has at least
SHORT, TARGET, SINGLE, OVER = range(4)  # what is drawn

Share = Annotated[float, Field(ge=0, le=1)]


class ElectraPairs(Settings):
    """`[CLS] A [SEP] B [SEP]`: B follows A in one document, and nothing is asked of the two."""

    kind: Literal["electra_pairs"] = "electra_pairs"
    """Rows are neighbouring segments."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    single: Share = 0.1
    """Share of the rows that are one segment."""

    short: Share = 0.05
    """Share of the rows, but for a document's first, that are packed to a shorter length, drawn from 5 on."""

    company: ClassVar[int] = 1  # documents that should be packed together
    next_sentences: ClassVar[bool] = False
    filled: ClassVar[float] = 0.85  # of a row, in text of long documents: for plans

    def pack(self, documents: Encoded, seed: int) -> Iterator[Placed]:
        """Yield the rows of each document; what is drawn for it depends on `seed` and its number alone."""
        room = self.length - SPECIALS
        ends, owners = sentences(documents, room)
        at = row = 0
        while at < len(ends):
            last = bisect_right(owners, owners[at])
            row = row + 1 if at and owners[at] == owners[at - 1] else 0
            draws, begin = Draws(seed, documents.first + owners[at], row), ends[at - 1] if at else 0
            target = self._target(draws)
            enough = bisect_left(ends, begin + target, at, last) + 1
            stop = max(at + 1, min(enough, bisect_right(ends, begin + room, at, last)))
            cut = (
                stop if draws.happen(self.single, SINGLE) else self._cut(ends, at, stop, begin, target, draws)
            )
            yield Placed(begin, ends[cut - 1], *((ends[cut - 1], ends[stop - 1]) if cut < stop else ()))
            at = stop

    def _target(self, draws: Draws) -> int:
        """Tokens to gather, in whole sentences."""
        if draws.row and self.length > SHORTEST and draws.happen(self.short, SHORT):
            return SHORTEST + draws.below(self.length - SHORTEST + 1, TARGET)
        return self.length

    def _cut(self, ends: Sequence[int], at: int, stop: int, begin: int, target: int, draws: Draws) -> int:
        """Behind A: its first sentence, those that fit half of the target, by a coin one that does not."""
        half = (target - SPECIALS) // 2
        cut = max(at + 1, bisect_left(ends, begin + half, at, stop))
        overshoots = cut < stop and ends[cut - 1] - begin < half and draws.happen(0.5, OVER)
        return cut + 1 if overshoots else cut
