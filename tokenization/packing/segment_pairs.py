"""Two segments a row, for sentence order or for the next sentence.

The walk is that of BERT's `create_pretraining_data.py` (arXiv:1810.04805, appendix A.2; ALBERT,
arXiv:1909.11942, section 3.1): sentences of a document are gathered up to a target length, drawn once per
document, then cut in two at a random sentence.

For sentence order (SOP) both segments are neighbours, stored in the order of the text: training swaps them,
anew in each epoch. A row of one sentence has no second segment, where ALBERT takes one of another document
and so mixes topic with order.

For the next sentence (NSP), B is taken from a random sentence on in a random other document, for a share of
the pairs and wherever A is a lone sentence; what A's document had there is pushed back and opens the next
row. What B borrows stands in its own document's rows too.

Unlike BERT's, the walk trims nothing of a document: a sentence that would not fit opens the next row. Only
what is borrowed is cut where the row ends.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from corpora.settings import Settings
from tokenization.packing.document import Draws, Encoded, Placed, last_start, sentences

SPECIALS = 3  # [CLS] A [SEP] B [SEP]
LEAST = 8  # tokens of a B of another document: fewer tell nothing of it
SHORT, TARGET, CUT, NEXT, OTHER, PLACE = range(6)  # what is drawn


class SegmentPairs(Settings):
    """`[CLS] A [SEP] B [SEP]`: A and B follow one another in one document, or B is of another."""

    kind: Literal["segment_pairs"] = "segment_pairs"
    """Rows are pairs of segments."""

    length: Annotated[int, Field(ge=8, le=1 << 20)] = 512
    """Most tokens in a row, special tokens included."""

    short: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the documents that are packed to a shorter length, drawn per document from 2 to `length`."""

    random_next: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the pairs whose B is of a random other document: 0 for sentence order; 0.5 for next-sentence
    prediction, as in BERT."""

    filled: ClassVar[float] = 0.75  # of a row, in text of long documents: for plans

    @property
    def next_sentences(self) -> bool:
        """Whether segments B may be of other documents."""
        return self.random_next > 0

    @property
    def company(self) -> int:
        """Documents that should be packed together, so that there are others to take B from."""
        return 16 if self.next_sentences else 1

    def pack(self, documents: Encoded, seed: int) -> Iterator[Placed]:
        """Yield the rows of each document; what is drawn for it depends on `seed` and its number alone."""
        ends, owners = sentences(documents, self._longest)
        firsts = [place for place, owner in enumerate(owners) if not place or owner != owners[place - 1]]
        texts, least = list(pairwise([*firsts, len(ends)])), min(LEAST, self._longest // 2)
        lender = _Lender(documents, ends, texts, least)
        for number, (at, last) in enumerate(texts):
            document, row = documents.first + owners[at], 0
            target = self._target(Draws(seed, document))
            while at < last:
                draws, begin = Draws(seed, document, row), ends[at - 1] if at else 0
                stop = self._gather(ends, at, last, begin, target)
                cut = at + 1 + draws.below(stop - at - 1, CUT) if stop > at + 1 else stop
                end, second = ends[cut - 1], (ends[cut - 1], ends[stop - 1])
                if self.next_sentences and (stop == at + 1 or draws.happen(self.random_next, NEXT)):
                    size = end - begin
                    if lent := lender.lend(number, self._longest - size, target - size, draws):
                        second, stop = lent, cut  # what it displaced opens the next row
                yield Placed(begin, end, *second)
                at, row = stop, row + 1

    @property
    def _longest(self) -> int:
        """Tokens of text that a row holds."""
        return self.length - SPECIALS

    def _target(self, draws: Draws) -> int:
        return (
            2 + draws.below(self._longest - 1, TARGET) if draws.happen(self.short, SHORT) else self._longest
        )

    def _gather(self, ends: Sequence[int], at: int, last: int, begin: int, target: int) -> int:
        """Behind the sentences that reach `target` tokens from `begin` on, or that still fit the row."""
        enough = bisect_left(ends, begin + target, at, last) + 1
        return min(enough, bisect_right(ends, begin + self._longest, at, last))


class _Lender(NamedTuple):
    """The sentences of all documents, to take a segment B from."""

    documents: Encoded
    ends: Sequence[int]  # of all sentences
    texts: Sequence[tuple[int, int]]  # of each document, its first sentence and the one behind its last
    least: int  # tokens that there must be room for

    def lend(self, number: int, room: int, wanted: int, draws: Draws) -> tuple[int, int] | None:
        """Tokens from a random sentence of a random document other than `number`; None where there is none.

        Whole sentences, until there are as many tokens as `wanted`; but no more than there is room for.
        """
        if room < self.least or len(self.texts) == 1:
            return None
        other = draws.below(len(self.texts) - 1, OTHER)
        first, last = self.texts[other + (other >= number)]
        place = first + draws.below(last - first, PLACE)
        begin = self.ends[place - 1] if place else 0
        end = self.ends[min(bisect_left(self.ends, begin + wanted, place, last), last - 1)]
        return begin, end if end - begin <= room else last_start(self.documents, begin + 1, begin + room)
