"""Spans and the tags that spell them (BIO, BIOES, BMES), and how well spans were found: strict F1.

The rules are seqeval's default ones, those of the CoNLL scorer: a tag that cannot follow the one before it
begins a span of its own, so that every sequence of tags says something.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from corpora.labelled import Row, Span
from corpora.labelled.tags import UNTYPED
from pretrain.finetuning.metrics import Measures

Scheme: TypeAlias = Literal["BIO", "BIOES", "BMES"]

OUTSIDE = "O"
LETTERS = frozenset("OBIESM")

PLACES: Mapping[Scheme, tuple[str, str, str, str]] = {
    "BIO": ("B", "I", "I", "B"),
    "BIOES": ("B", "I", "E", "S"),
    "BMES": ("B", "M", "E", "S"),
}
"""The letters of a span's first, inner and last unit, and of an only one."""

Units: TypeAlias = NDArray[np.int64]
"""(units, 2): where each of the things that carry tags begins and ends in a text, in characters."""


def tag_names(types: Sequence[str], scheme: Scheme) -> tuple[str, ...]:
    """All tags, `O` first.

    >>> tag_names(["LOC"], "BIOES")
    ('O', 'B-LOC', 'I-LOC', 'E-LOC', 'S-LOC')
    """
    letters = dict.fromkeys(PLACES[scheme])
    return OUTSIDE, *(_spelt(letter, type_) for type_ in types for letter in letters)


def _spelt(letter: str, type_: str) -> str:
    return letter if type_ == UNTYPED else f"{letter}-{type_}"


def flat(spans: Sequence[Span]) -> list[Span]:
    """Those that one tag a unit can spell: of spans within or across each other, the longest one stays."""
    ordered = sorted(spans)
    if all(one.end <= other.start for one, other in pairwise(ordered)):
        return ordered
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)


def spell(spans: Sequence[Span], units: Units, scheme: Scheme) -> list[str]:
    """The tag of each unit, none of them empty. A unit is of the first span that has a character in it.

    >>> spell([Span(0, 2, "LOC")], np.array([[0, 1], [1, 2], [2, 3]]), "BIO")
    ['B-LOC', 'I-LOC', 'O']
    """
    tags = [OUTSIDE] * len(units)
    first, inner, last, only = PLACES[scheme]
    end = 0
    for span in flat(spans):
        begin = max(end, int(np.searchsorted(units[:, 1], span.start, side="right")))
        end = max(end, int(np.searchsorted(units[:, 0], span.end, side="left")))
        for unit in range(begin, end):
            letter = first if unit == begin else last if unit == end - 1 else inner
            tags[unit] = _spelt(only if end - begin == 1 else letter, span.type)
    return tags


def read(tags: Sequence[str], units: Units) -> list[Span]:
    """The spans that the tags of the units spell.

    >>> read(["I-LOC", "B-LOC", "I-PER"], np.array([[0, 1], [1, 2], [2, 4]]))
    [Span(start=0, end=1, type='LOC'), Span(start=1, end=2, type='LOC'), Span(start=2, end=4, type='PER')]
    """
    return [Span(int(units[begin, 0]), int(units[end - 1, 1]), type_) for begin, end, type_ in groups(tags)]


def groups(tags: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """First unit, the one after the last, and type of each span."""
    begin, before, type_before = 0, OUTSIDE, ""
    for place, tag in enumerate([*tags, OUTSIDE]):
        letter, type_ = _parts(tag)
        inside = before != OUTSIDE
        ends = inside and (letter in "OBS" or before in "ES" or type_ != type_before)
        if ends:
            yield begin, place, type_before
        if letter != OUTSIDE and (ends or not inside):
            begin = place
        before, type_before = letter, type_


def _parts(tag: str) -> tuple[str, str]:
    """Letter and type. A tag of no scheme, of a network that others taught, is a type by itself."""
    letter, dash, type_ = tag.partition("-")
    if letter not in LETTERS:
        return "I", tag
    return letter, type_ if dash else UNTYPED


def strict_scores(truth: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> Measures:
    """Precision, recall and F1 over all spans, and `f1/TYPE` of each type that occurs.

    A span counts as found where both ends and the type are right. (seqeval's micro average; 0 where there is
    nothing to divide by.)
    """
    right = {(row, span) for row, spans in enumerate(truth) for span in spans}
    said = {(row, span) for row, spans in enumerate(found) for span in spans}
    types = sorted({span.type for _, span in right | said})
    counts = {
        type_: tuple(sum(span.type == type_ for _, span in spans) for spans in (right & said, said, right))
        for type_ in types
    }
    precision, recall, f1 = _rates(len(right & said), len(said), len(right))
    details = {f"f1/{type_}": _rates(*count)[2] for type_, count in counts.items() if type_ != UNTYPED}
    return {"f1": f1, "precision": precision, "recall": recall, **details}


def _rates(hits: int, said: int, right: int) -> tuple[float, float, float]:
    precision, recall = hits / said if said else 0.0, hits / right if right else 0.0
    return precision, recall, 2 * hits / (said + right) if said + right else 0.0


def units_of(row: Row) -> Units:
    """What carries the tags that are counted: the tokens of the row's file, else its characters."""
    if row.tokens:
        return np.array(row.tokens, dtype=np.int64)
    starts = np.arange(len(row.text), dtype=np.int64)
    return np.stack([starts, starts + 1], axis=1)


def tag_accuracy(rows: Sequence[Row], found: Sequence[Sequence[Span]], scheme: Scheme) -> float:
    """Share of the units whose tag is right: words of a file with parts of speech, else characters."""
    right = total = 0
    for row, spans in zip(rows, found, strict=True):
        units = units_of(row)
        pairs = zip(spell(row.spans, units, scheme), spell(spans, units, scheme), strict=True)
        right += sum(one == other for one, other in pairs)
        total += len(units)
    return right / total if total else 0.0
