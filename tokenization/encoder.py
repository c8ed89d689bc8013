"""Text -> tokens, word starts and sentence ends: one document, from raw text to what a packer takes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import tokenizers
from numpy.typing import NDArray

from corpora.sentences import split
from tokenization.alignment import OUTSIDE, Alignment, align
from tokenization.counts import Counts
from tokenization.packing import Encoded
from tokenization.segmenters import Segment, Spans

PIECE = 8192  # characters encoded at once: bounds memory


class Encoder:
    """A segmenter and a tokenizer, both over the same raw text."""

    def __init__(self, segment: Segment, tokenizer: tokenizers.Tokenizer, unk_id: int) -> None:
        """Take both ready for use; neither is changed."""
        self._segment, self._tokenizer, self._unk_id = segment, tokenizer, unk_id

    def encode(self, number: int, text: str, counts: Counts) -> Encoded:
        """Encode document `number` and add what is seen to `counts`."""
        document = Encoded(number, [], [], [])
        for sentences in _pieces(split(text)):
            self._append("".join(sentences), np.cumsum([len(one) for one in sentences]), document, counts)
        counts.numbers.update(
            documents=1,
            text_tokens=len(document.ids),
            words=sum(document.word_starts),
            unknown=document.ids.count(self._unk_id),
        )
        counts.tokens.update(document.ids)
        return document

    def _append(self, text: str, ends: NDArray[np.int64], document: Encoded, counts: Counts) -> None:
        """Encode a piece whose sentences end at the characters `ends`."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        spans = self._segment(text)
        offsets = np.array(encoding.offsets, np.int64).reshape(-1, 2)
        aligned = align(spans, offsets)
        units = np.append(np.flatnonzero(aligned.word_starts), len(offsets))
        last = np.searchsorted(offsets[:, 0], ends)  # tokens that begin before each sentence's end
        last = np.unique(units[np.searchsorted(units, last)])  # a sentence ends where a unit does
        before = len(document.ids)
        document.sentence_ends.extend((before + last[last > 0]).tolist())
        document.ids.extend(encoding.ids)
        document.word_starts.extend(aligned.word_starts.astype(int).tolist())
        counts.numbers["merged"] += aligned.merged
        counts.words.update(_words(text, spans, encoding.ids, units.tolist(), aligned))


def _words(
    text: str, spans: Spans, ids: Sequence[int], units: list[int], aligned: Alignment
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each unit that is one word of the segmenter: the word and its token ids."""
    places = spans.tolist()
    for word, (begin, end) in zip(aligned.words.tolist(), pairwise(units), strict=True):
        if word != OUTSIDE:
            first, last = places[word]
            yield text[first:last], tuple(ids[begin:end])


def _pieces(sentences: Sequence[str]) -> Iterator[list[str]]:
    """Sentences in groups of at most PIECE characters; a longer sentence is cut."""
    piece, size = list[str](), 0
    for sentence in sentences:
        for begin in range(0, len(sentence), PIECE):
            part = sentence[begin : begin + PIECE]
            if piece and size + len(part) > PIECE:
                yield piece
                piece, size = [], 0
            piece.append(part)
            size += len(part)
    if piece:
        yield piece
