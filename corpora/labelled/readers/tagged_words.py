"""Segmented and tagged text on lines, `word/tag word/tag ...`: the People's Daily of 1998 and its like."""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import Field

from corpora.document import Unreadable
from corpora.labelled.raw import Raw
from corpora.labelled.rows import Kind, Span
from corpora.labelled.tags import Join, joined
from corpora.lines import lines
from corpora.places import Place
from corpora.settings import Settings

PERSON = "nr"
LONGEST_FAMILY_NAME = 2  # characters

NUMBER = re.compile(r"\d{8}-\d{2}-\d{3}-\d{3}/m\s+")


class TaggedWords(Settings):
    """One row a line; each word is a span, its tag the type: parts of speech, or some of them as names.

    Numbers of paragraphs are taken off, and the brackets of compound names: their words stay by themselves.
    """

    kind: ClassVar[Kind] = "spans"

    name: Literal["tagged_words"] = "tagged_words"
    """Lines in the form word/tag word/tag."""

    types: Mapping[str, str] = Field(default_factory=dict)
    """Tag -> type of span, such as {nr: PER, ns: LOC, nt: ORG}: other words are no spans, and neighbours that
    stand for a person (a family name, a given name) are one. Left out, every tag is a type."""

    join: Join = "auto"
    """What stands between words in the text: a `space`, `nothing`, or `auto`: nothing in a line with Han
    characters or kana, a space in others."""

    def read(self, place: Place, labelled: bool = True) -> Iterator[Raw | Unreadable]:
        """Yield a row a line; blank lines are passed over."""
        for line, text in lines(place):
            try:
                pairs = [_pair(item) for item in NUMBER.sub("", text).split()]
            except ValueError as error:
                yield Unreadable("bad_record", line, text, str(error))
                continue
            if pairs:
                whole, extents = joined([word for word, _ in pairs], self.join)
                words = [Span(*extent, tag) for extent, (_, tag) in zip(extents, pairs, strict=True)]
                tokens = () if self.types else extents
                yield Raw(line, whole, spans=self._spans(words) if labelled else (), tokens=tokens)

    def _spans(self, words: list[Span]) -> tuple[Span, ...]:
        if not self.types:
            return tuple(words)
        found: list[Span] = []
        family: Span | None = None  # what a given name may stand behind
        for word in words:
            if family and word.type == PERSON and family.end == word.start:
                found[-1] = found[-1]._replace(end=word.end)
                family = None
            elif word.type in self.types:
                found.append(word._replace(type=self.types[word.type]))
                family = (
                    word if word.type == PERSON and word.end - word.start <= LONGEST_FAMILY_NAME else None
                )
        return tuple(found)


def _pair(item: str) -> tuple[str, str]:
    word, _, tag = item.rpartition("/")
    tag = tag.partition("]")[0]  # `n]nt` ends a compound name
    word = word[1:] if word[:1] == "[" and len(word) > 1 else word
    if not word or not (tag.isascii() and tag.isalpha()):
        raise ValueError(f"{item[:40]!r} is not of the form word/tag")
    return word, tag
