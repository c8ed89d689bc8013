"""Spans and tags: what seqeval reads and scores is the reference."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from corpora.labelled import Row, Span
from pretrain.finetuning.entities import (
    PLACES,
    Scheme,
    Units,
    flat,
    read,
    spell,
    strict_scores,
    tag_accuracy,
    tag_names,
)

TYPES = ("LOC", "PER", "x-y")
SCHEMES: tuple[Scheme, ...] = ("BIO", "BIOES", "BMES")
some_tags = st.lists(st.sampled_from(tag_names(TYPES, "BIOES")), max_size=12)
scheme = st.sampled_from(SCHEMES)


def units(count: int) -> Units:
    return np.array([[at, at + 1] for at in range(count)], dtype=np.int64).reshape(-1, 2)


@st.composite
def some_spans(draw: st.DrawFn) -> list[Span]:
    """Apart from each other."""
    bounds = sorted(draw(st.sets(st.integers(0, 20), max_size=10)))
    pairs = [pair for pair in itertools.pairwise(bounds) if draw(st.booleans())]
    return [Span(start, end, draw(st.sampled_from(TYPES))) for start, end in pairs]


@given(some_tags)
def test_any_tags_are_read_as_seqeval_reads_them(tags: list[str]) -> None:
    theirs = [Span(first, last + 1, type_) for type_, first, last in get_entities(tags)]
    assert read(tags, units(len(tags))) == theirs


@given(some_spans(), scheme)
def test_spans_that_are_spelt_read_back(spans: list[Span], scheme: Scheme) -> None:
    tags = spell(spans, units(20), scheme)
    assert read(tags, units(20)) == spans
    assert set(tags) <= set(tag_names(TYPES, scheme))


@given(st.lists(st.tuples(some_tags, some_tags), min_size=1, max_size=6))
def test_scores_are_seqevals(rows: list[tuple[list[str], list[str]]]) -> None:
    pairs = [(one[: min(len(one), len(two))], two[: min(len(one), len(two))]) for one, two in rows]
    truth, found = [one for one, _ in pairs], [two for _, two in pairs]
    ours = strict_scores(*([read(tags, units(len(tags))) for tags in side] for side in (truth, found)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # seqeval's, where there is nothing to divide by
        for name, score in {"f1": f1_score, "precision": precision_score, "recall": recall_score}.items():
            assert ours[name] == pytest.approx(score(truth, found, zero_division=0))
        per_type = f1_score(truth, found, average=None, zero_division=0)
    types = sorted({type_ for side in pairs for tags in side for type_, _, _ in get_entities(tags)})
    assert [ours[f"f1/{type_}"] for type_ in types] == pytest.approx(
        list(np.atleast_1d(per_type))[: len(types)]
    )


def test_a_token_that_a_span_cuts_belongs_to_it() -> None:
    """Units of two and three characters; the spans end within them, the second gets what the first left."""
    pieces = np.array([[0, 2], [2, 5], [5, 6]])
    spans = [Span(1, 3, "LOC"), Span(4, 6, "PER")]
    assert spell(spans, pieces, "BIOES") == ["B-LOC", "E-LOC", "S-PER"]


def test_of_nested_spans_the_longest_is_learnt_and_all_are_asked_for() -> None:
    spans = (Span(0, 2, "LOC"), Span(0, 4, "PER"), Span(3, 5, "LOC"), Span(4, 6, "LOC"))
    assert flat(spans) == [Span(0, 4, "PER"), Span(4, 6, "LOC")]
    scores = strict_scores([spans], [flat(spans)])
    assert (scores["precision"], scores["recall"]) == (1.0, 0.5)


def test_tags_without_a_type_spell_words() -> None:
    assert tag_names(["_"], "BMES") == ("O", "B", "M", "E", "S")
    words = [Span(0, 1, "_"), Span(1, 4, "_")]
    assert spell(words, units(4), "BMES") == ["S", "B", "M", "E"]
    assert read(["S", "B", "M", "E"], units(4)) == words


def test_accuracy_counts_the_tokens_of_the_file_or_else_characters() -> None:
    right, said = (Span(0, 2, "NN"), Span(3, 5, "VV")), [Span(0, 2, "NN"), Span(3, 5, "NN")]
    words = Row("天地 人你", spans=right, tokens=((0, 2), (3, 5)))
    assert tag_accuracy([words], [said], "BIO") == 0.5
    assert tag_accuracy([Row("天地 人你", spans=right)], [said], "BIO") == 0.6
    assert set(PLACES) == set(SCHEMES)
