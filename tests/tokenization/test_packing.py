"""Every packer: nothing lost, nothing too long, words whole; then what each one promises for itself."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.packing import (
    DocSentences,
    ElectraPairs,
    Encoded,
    FullSentences,
    Packing,
    Placed,
    SegmentPairs,
)
from tokenization.rows import assemble
from tokenization.tokens import Row

CLS, SEP, UNK = 1, 2, 3
PACKERS = (
    SegmentPairs(length=12, short=0.5),
    SegmentPairs(length=12, short=0.5, random_next=0.5),
    FullSentences(length=12),
    DocSentences(length=12),
    ElectraPairs(length=12, short=0.5),
)
NAMES = ("pairs", "next", "full", "doc", "electra")


def encoded(documents: list[list[list[int]]], first: int = 0) -> Encoded:
    """Documents of sentences of word sizes; all tokens are different, from 10 on."""
    sentences = [sum(sentence) for document in documents for sentence in document]
    sizes = [size for document in documents for sentence in document for size in sentence]
    bounds = np.cumsum([0] + [sum(map(sum, document)) for document in documents])
    starts = np.zeros(bounds[-1], np.uint8)
    starts[np.cumsum([0, *sizes])[:-1]] = 1
    ids = np.arange(10, 10 + bounds[-1], dtype=np.uint32)
    return Encoded(first, bounds, ids, starts, np.cumsum(np.array(sentences, np.int64)), np.arange(0), [])


word_sizes = st.lists(st.integers(1, 3), min_size=1, max_size=9)
some_documents = st.lists(st.lists(word_sizes, max_size=6), min_size=1, max_size=6).map(encoded)


def rows_of(packer: Packing, documents: Encoded, seed: int = 0) -> list[Row]:
    """The rows, one by one."""
    columns = assemble(documents, list(packer.pack(documents, seed)), CLS, SEP, packer.next_sentences)
    rows = []
    for number, (begin, end) in enumerate(pairwise([0, *columns.ends.tolist()])):
        first, last = [0, *columns.document_starts_ends.tolist()][number : number + 2]
        unknown = columns.unknown[slice(*[0, *columns.unknown_ends.tolist()][number : number + 2])]
        second = columns.second_document
        rows.append(
            Row(
                ids=columns.ids[begin:end].tolist(),
                word_starts=columns.word_starts[begin:end].tolist(),
                second=int(columns.second[number]),
                document=int(columns.document[number]),
                document_starts=columns.document_starts[first:last].tolist(),
                unknown=unknown,
                second_document=None if second is None else int(second[number]),
            )
        )
    return rows


def text(row: Row) -> list[int]:
    return [token for token in row.ids if token > SEP]


def own(row: Row) -> list[int]:
    """Without what was borrowed from another document."""
    if row.second and row.second_document not in (None, row.document):
        return [token for token in row.ids[: row.second] if token > SEP]
    return text(row)


@pytest.mark.parametrize("packer", PACKERS, ids=NAMES)
@given(documents=some_documents, seed=st.integers(0, 9))
def test_every_token_stands_in_one_row_in_order(packer: Packing, documents: Encoded, seed: int) -> None:
    rows = rows_of(packer, documents, seed)
    assert [token for row in rows for token in own(row)] == documents.ids.tolist()
    bits = dict(zip(documents.ids.tolist(), documents.word_starts.tolist(), strict=True))
    for row in rows:
        assert len(row.ids) <= packer.length
        assert (row.ids[0], row.ids[-1]) == (CLS, SEP)
        # no word here is longer than a row, so that none is cut
        assert list(row.word_starts) == [bits.get(token, 1) for token in row.ids]


@pytest.mark.parametrize("packer", PACKERS, ids=NAMES)
@given(documents=some_documents)
def test_bounds_name_the_document_of_every_token(packer: Packing, documents: Encoded) -> None:
    owner = np.searchsorted(documents.bounds, np.arange(len(documents.ids)), side="right") - 1
    for row in rows_of(packer, documents):
        assert row.document_starts[0] == 0
        borrowed = row.second if row.second_document not in (None, row.document) else len(row.ids)
        for place, token in enumerate(row.ids):
            number = row.document - 1 + sum(start <= place for start in row.document_starts)
            if token > SEP:
                assert owner[token - 10] == (number if place < borrowed else row.second_document)


@given(documents=some_documents, seed=st.integers(0, 9))
def test_pairs_are_cut_between_sentences_of_one_document(documents: Encoded, seed: int) -> None:
    ends = set(documents.ids[documents.sentence_ends - 1].tolist())
    for row in rows_of(SegmentPairs(length=64), documents, seed):
        assert row.ids.count(SEP) == (2 if row.second else 1)
        if row.second:
            assert row.ids[row.second - 1] == SEP
            assert row.ids[row.second - 2] in ends
            assert row.second < len(row.ids) - 1
        assert row.ids[-2] in ends  # no sentence is as long as a row here


@given(some_documents, st.integers(0, 9))
def test_a_documents_rows_do_not_depend_on_others(documents: Encoded, seed: int) -> None:
    packer = SegmentPairs(length=20, short=0.5)
    alone = []
    for number, (begin, end) in enumerate(pairwise(documents.bounds.tolist())):
        inside = documents.sentence_ends[(documents.sentence_ends > begin) & (documents.sentence_ends <= end)]
        one = Encoded(
            number,
            np.array([0, end - begin]),
            documents.ids[begin:end],
            documents.word_starts[begin:end],
            inside - begin,
            np.arange(0),
            [],
        )
        alone += rows_of(packer, one, seed)
    assert alone == rows_of(packer, documents, seed)


def test_short_targets_and_cuts_are_spread_as_promised() -> None:
    packer = SegmentPairs(length=128, short=0.1)
    ids = encoded([[[1] * 10] * 40])
    firsts = [next(iter(packer.pack(replace(ids, first=number), 7))) for number in range(2000)]
    full = [row for row in firsts if row.second_end - row.begin > 115]
    # 12 sentences of 10 fit; a short target reaches that only if it is 111 or more: 15 of 124 values
    assert abs(len(full) / 2000 - (0.9 + 0.1 * 15 / 124)) < 6 * (0.09 / 2000) ** 0.5
    cuts = [(row.end - row.begin) // 10 for row in full]
    assert set(cuts) == set(range(1, 12))
    assert (
        max(abs(cuts.count(cut) / len(cuts) - 1 / 11) for cut in range(1, 12))
        < 6 * (0.083 / len(cuts)) ** 0.5
    )


@given(documents=some_documents)
def test_full_sentences_leave_no_room_for_the_next_sentence(documents: Encoded) -> None:
    ids, ends = documents.ids.tolist(), documents.sentence_ends.tolist()
    length = {ids[begin]: end - begin for begin, end in pairwise([0, *ends])}
    for row, after in pairwise(rows_of(FullSentences(length=32), documents)):
        following = text(after)[0]
        if following in length:  # a whole sentence opens the next row
            changes = int(after.document != row.document + len(row.document_starts) - 1)
            assert len(row.ids) + changes + length[following] > 32


def test_a_word_longer_than_a_row_is_cut_and_counts_as_several() -> None:
    rows = rows_of(DocSentences(length=8), encoded([[[15]]]))
    assert [len(text(row)) for row in rows] == [6, 6, 3]
    assert [row.word_starts[1] for row in rows] == [1, 1, 1]


def test_one_sentence_makes_no_pair() -> None:
    (row,) = rows_of(SegmentPairs(length=16), encoded([[[1, 1]]]))
    assert (row.ids, row.second) == ([CLS, 10, 11, SEP], 0)


def test_a_row_by_hand() -> None:
    """Three documents, the second without tokens; an unknown token in each of the others."""
    documents = encoded([[[2, 1]], [], [[1], [2]]], first=7)
    documents.ids[[1, 4]] = UNK
    documents = replace(documents, unknown_at=np.array([1, 4]), unknown=["镕", "囍"])
    assert rows_of(FullSentences(length=12), documents) == [
        Row(
            ids=[CLS, 10, UNK, 12, SEP, 13, UNK, 15, SEP],
            word_starts=[1, 1, 0, 1, 1, 1, 1, 0, 1],
            document=7,
            document_starts=[0, 5, 5],
            unknown=["镕", "囍"],
        )
    ]
    pair = assemble(documents, [Placed(3, 4, 4, 6), Placed(0, 3, 4, 6)], CLS, SEP, next_sentences=True)
    assert pair.ids.tolist() == [CLS, 13, SEP, UNK, 15, SEP, CLS, 10, UNK, 12, SEP, UNK, 15, SEP]
    assert pair.second.tolist() == [3, 5]
    assert pair.document.tolist() == [9, 7]
    assert pair.second_document is not None
    assert pair.second_document.tolist() == [9, 9]
    assert pair.document_starts.tolist() == [0, 0]
    assert pair.unknown == ["囍", "镕", "囍"]
    assert pair.unknown_ends.tolist() == [1, 3]


class TestNextSentence:
    """BERT's construction (arXiv:1810.04805, appendix A.2), step by step."""

    @staticmethod
    def many(seed: int = 0) -> tuple[Encoded, list[Placed]]:
        """Rows of 60 documents of 30 sentences of 1 to 12 tokens."""
        dice = np.random.default_rng(seed)
        documents = encoded([[[1] * int(dice.integers(1, 13)) for _ in range(30)] for _ in range(60)])
        return documents, list(SegmentPairs(length=67, short=0.0, random_next=0.5).pack(documents, seed))

    @staticmethod
    def random(documents: Encoded, placed: list[Placed]) -> list[bool]:
        """Whether B is of another document."""
        places = np.array([[one.begin, one.second] for one in placed])
        owners = np.searchsorted(documents.bounds, places, side="right")
        return list((owners[:, 0] != owners[:, 1]).tolist())

    def test_half_of_the_pairs_that_could_be_neighbours_are_of_another_document(self) -> None:
        documents, placed = self.many()
        random = self.random(documents, placed)
        assert all(one.second < one.second_end for one in placed)
        assert all(one.second == one.end for one, chance in zip(placed, random, strict=True) if not chance)
        assert abs(np.mean(random) - 0.5) < 6 * 0.5 / len(placed) ** 0.5

    def test_what_follows_a_is_pushed_back_and_opens_the_next_row(self) -> None:
        documents, placed = self.many()
        random = self.random(documents, placed)
        for one, chance, following in zip(placed, random, placed[1:], strict=False):
            assert following.begin == (one.end if chance else one.second_end)

    def test_b_is_whole_sentences_from_any_sentence_on_until_the_target(self) -> None:
        documents, placed = self.many()
        ends = set(documents.sentence_ends.tolist())
        begins = {0, *ends}
        last_of_document = set(documents.bounds.tolist())
        chances = self.random(documents, placed)
        random = [one for one, chance in zip(placed, chances, strict=True) if chance]
        for one in random:
            assert one.second in begins
            size = one.end - one.begin + one.second_end - one.second
            assert size <= 64
            if one.second_end in ends and one.second_end not in last_of_document:
                assert size == 64  # the target: a sentence more was added as long as it was not reached
        firsts = np.searchsorted(documents.sentence_ends, [one.second for one in random], side="right") % 30
        assert set(firsts.tolist()) == set(range(30))

    def test_any_other_document_lends(self) -> None:
        documents, placed = self.many()
        chances = self.random(documents, placed)
        random = [one.second for one, chance in zip(placed, chances, strict=True) if chance]
        lenders = np.searchsorted(documents.bounds, random, side="right") - 1
        assert len(set(lenders.tolist())) > 50

    def test_a_lone_sentence_gets_a_b_of_another_document(self) -> None:
        placed = list(SegmentPairs(length=20, random_next=0.01).pack(encoded([[[1, 1]], [[1, 1, 1]]]), 0))
        assert placed == [Placed(0, 2, 2, 5), Placed(2, 5, 0, 2)]

    def test_a_lone_document_has_no_other_and_lends_itself_nothing(self) -> None:
        documents = encoded([[], [[1] * 9] * 20, []])
        for one in SegmentPairs(length=32, random_next=1.0).pack(documents, 0):
            assert one.second == one.end

    def test_what_is_borrowed_is_cut_where_the_row_ends(self) -> None:
        documents = encoded([[[1] * 6], [[2, 2, 2, 2, 2]]])
        placed = next(iter(SegmentPairs(length=16, short=0.0, random_next=1.0).pack(documents, 0)))
        assert placed == Placed(0, 6, 6, 12)  # 13 tokens fit; no word is cut

    def test_a_row_that_is_full_has_no_room_to_borrow(self) -> None:
        documents = encoded([[[1] * 40], [[1] * 33]])
        first, second = SegmentPairs(length=43, short=0.0, random_next=1.0).pack(documents, 0)
        assert first == Placed(0, 40, 40, 40)
        assert second == Placed(40, 73, 73, 73)  # 7 tokens of B would fit

    def test_all_targets_of_a_document_are_one(self) -> None:
        documents = encoded([[[1] * 2] * 200] * 30)
        sizes: dict[int, set[int]] = {}
        for one in SegmentPairs(length=64, short=1.0, random_next=0.5).pack(documents, 0):
            if one.second == one.end:
                sizes.setdefault(one.begin // 400, set()).add(one.second_end - one.begin)
        whole = [found for found in sizes.values() if len(found) > 1]
        assert all(len(found) == 2 for found in whole)  # the last row of a document may be shorter
        assert len({max(found) for found in sizes.values()}) > 10


def electra_reference(lengths: list[int], packer: ElectraPairs) -> list[tuple[list[int], list[int]]]:
    """The script's rules on sentence lengths, mended: without draws, and nothing lost."""
    rows, first, second = [], list[int](), list[int]()
    room, half = packer.length - 3, (packer.length - 3) // 2
    for length in lengths:
        if first and sum(first) + sum(second) + length > room:
            rows.append((first, second))
            first, second = [], []
        whole = packer.single == 1
        if whole or not first or (not second and sum(first) + length < half):
            first.append(length)
        else:
            second.append(length)
        if sum(first) + sum(second) >= packer.length:
            rows.append((first, second))
            first, second = [], []
    return [*rows, (first, second)] if first else rows


@given(st.lists(st.integers(1, 12), min_size=1, max_size=30), st.sampled_from([0.0, 1.0]))
def test_electras_rows_are_cut_at_half_of_the_length_or_behind_it(lengths: list[int], single: float) -> None:
    packer = ElectraPairs(length=24, single=single, short=0.0)
    documents, seeds = encoded([[[1] * length for length in lengths]]), range(6)
    overshot = set()
    for seed in seeds:
        placed = list(packer.pack(documents, seed))
        wanted = electra_reference(lengths, packer)
        assert [end - begin + max(0, last - second) for begin, end, second, last in placed] == [
            sum(one) + sum(other) for one, other in wanted
        ]
        for row, (first, second) in zip(placed, wanted, strict=True):
            assert row.end - row.begin in (sum(first), sum(first) + sum(second[:1]))
            overshot.add(row.end - row.begin > sum(first))
    assert overshot <= {False} or single == 0


def test_a_sentence_that_would_overshoot_half_of_the_row_joins_a_by_a_fair_coin() -> None:
    documents = encoded([[[1] * 7] * 3000])  # half of a row of 24 is 10 tokens
    placed = list(ElectraPairs(length=24, single=0.0, short=0.0).pack(documents, 0))
    firsts = [row.end - row.begin for row in placed]
    assert set(firsts) == {7, 14}
    assert abs(firsts.count(14) / len(firsts) - 0.5) < 6 * 0.5 / len(firsts) ** 0.5


def test_electras_shares_are_those_asked_for() -> None:
    documents = encoded([[[1]] * 4000])
    lengths, singles = [], 0
    for row in ElectraPairs(length=64, single=0.2, short=0.3).pack(documents, 1):
        lengths.append(row.end - row.begin + max(0, row.second_end - row.second))
        singles += row.second_end <= row.second
    short = sum(length < 61 for length in lengths) / len(lengths)
    assert 0.15 < short < 0.4  # a target from 62 on is none that could be seen
    assert 0.1 < singles / len(lengths) < 0.35
