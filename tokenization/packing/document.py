"""What packers share: encoded documents, the special tokens around segments, sentences that fit a row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenization.tokens import Row


@dataclass(frozen=True)
class Encoded:
    """A document in tokens, without special ones."""

    number: int  # within its split
    ids: list[int]
    word_starts: list[int]  # a bit for each id
    sentence_ends: list[
        int
    ]  # token positions, rising, the last is len(ids); each next sentence starts a word


@dataclass(frozen=True)
class Stretch:
    """Neighbouring tokens of a document, [begin, end)."""

    document: Encoded
    begin: int
    end: int

    def __len__(self) -> int:
        """Tokens."""
        return self.end - self.begin


@dataclass(frozen=True)
class Frame:
    """The ids that stand before and after a segment: `[CLS] A [SEP] B [SEP]`."""

    cls_id: int
    sep_id: int

    def row(self, stretches: Sequence[Stretch], second: Sequence[Stretch] = ()) -> Row:
        """A row of one segment or two; one more [SEP] stands where a new document begins within a segment.

        A word cut in two by the end of a row counts as two words.
        """
        ids, bits, documents = [self.cls_id], [1], [0]
        for part in filter(None, (stretches, second)):
            middle = len(ids)
            for place, stretch in enumerate(part):
                if place and (passed := stretch.document.number - part[place - 1].document.number):
                    ids.append(self.sep_id)
                    bits.append(1)
                    documents += [len(ids)] * passed  # one without tokens starts where the next one does
                begin = len(ids)
                ids += stretch.document.ids[stretch.begin : stretch.end]
                bits += stretch.document.word_starts[stretch.begin : stretch.end]
                bits[begin] = 1
            ids.append(self.sep_id)
            bits.append(1)
        return Row(ids, bits, middle if second else 0, stretches[0].document.number, documents)


def sentences(document: Encoded, longest: int) -> Iterator[Stretch]:
    """A document's sentences; one longer than `longest` tokens is cut, before a word: none is lost."""
    begin = 0
    for end in document.sentence_ends:
        while end - begin > longest:
            cut = _last_start(document.word_starts, begin + 1, begin + longest)
            yield Stretch(document, begin, cut)
            begin = cut
        yield Stretch(document, begin, end)
        begin = end


def _last_start(bits: Sequence[int], first: int, last: int) -> int:
    """The last place in [first, last] where a word starts; `last` within a word longer than a row."""
    return next((place for place in range(last, first - 1, -1) if bits[place]), last)
