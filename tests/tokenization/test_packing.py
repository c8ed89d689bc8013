"""Every packer: nothing lost, nothing too long, words whole; then what each one promises for itself."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenization.packing import DocSentences, Encoded, Frame, FullSentences, Packing, SegmentPairs
from tokenization.tokens import Row

CLS, SEP = 1, 2
FRAME = Frame(CLS, SEP)
PACKERS = (SegmentPairs(length=12, short=0.5), FullSentences(length=12), DocSentences(length=12))


@st.composite
def documents(draw: st.DrawFn) -> list[Encoded]:
    """Documents whose tokens are all different, in words of 1 to 3 tokens and sentences of 1 to 9 words."""
    made, token = [], 10
    for number in range(draw(st.integers(1, 6))):
        ids, starts, ends = list[int](), list[int](), list[int]()
        for _ in range(draw(st.integers(0, 6))):
            for _ in range(draw(st.integers(1, 9))):
                size = draw(st.integers(1, 3))
                ids += range(token, token + size)
                starts += [1] + [0] * (size - 1)
                token += size
            ends.append(len(ids))
        made.append(Encoded(number, ids, starts, ends))
    return made


def text(row: Row) -> list[int]:
    return [token for token in row.ids if token > SEP]


@pytest.mark.parametrize("packer", PACKERS, ids=lambda packer: packer.kind)
@given(packed=documents(), seed=st.integers(0, 9))
def test_every_token_stands_in_one_row_in_order(packer: Packing, packed: list[Encoded], seed: int) -> None:
    rows = list(packer.pack(packed, FRAME, seed))
    assert [token for row in rows for token in text(row)] == [token for one in packed for token in one.ids]
    bits = {token: bit for one in packed for token, bit in zip(one.ids, one.word_starts, strict=True)}
    for row in rows:
        assert len(row.ids) <= packer.length
        assert (row.ids[0], row.ids[-1]) == (CLS, SEP)
        assert len(row.ids) == len(row.word_starts)
        # no word here is longer than a row, so that none is cut
        assert list(row.word_starts) == [bits.get(token, 1) for token in row.ids]


@pytest.mark.parametrize("packer", PACKERS, ids=lambda packer: packer.kind)
@given(packed=documents())
def test_bounds_name_the_document_of_every_token(packer: Packing, packed: list[Encoded]) -> None:
    owner = {token: one.number for one in packed for token in one.ids}
    for row in packer.pack(packed, FRAME, 0):
        assert row.document_starts[0] == 0
        for place, token in enumerate(row.ids):
            number = row.document - 1 + sum(start <= place for start in row.document_starts)
            assert token <= SEP or owner[token] == number


@given(packed=documents(), seed=st.integers(0, 9))
def test_pairs_are_cut_between_sentences_of_one_document(packed: list[Encoded], seed: int) -> None:
    ends = {one.ids[end - 1] for one in packed for end in one.sentence_ends}
    for row in SegmentPairs(length=64).pack(packed, FRAME, seed):
        assert row.ids.count(SEP) == (2 if row.second else 1)
        if row.second:
            assert row.ids[row.second - 1] == SEP
            assert row.ids[row.second - 2] in ends
            assert row.second < len(row.ids) - 1
        assert row.ids[-2] in ends  # no sentence is as long as a row here


@given(packed=documents(), seed=st.integers(0, 9))
def test_a_documents_rows_do_not_depend_on_others(packed: list[Encoded], seed: int) -> None:
    packer = SegmentPairs(length=20, short=0.5)
    alone = [row for one in packed for row in packer.pack([one], FRAME, seed)]
    assert alone == list(packer.pack(packed, FRAME, seed))


def test_short_targets_and_cuts_are_spread_as_promised() -> None:
    ids = list(range(10, 10 + 400))
    many = [Encoded(number, ids, [1] * 400, list(range(10, 401, 10))) for number in range(2000)]
    firsts = [next(iter(SegmentPairs(length=128, short=0.1).pack([one], FRAME, 7))) for one in many]
    full = [row for row in firsts if len(row.ids) > 120]
    # 12 sentences of 10 fit; a short target reaches that only if it is 111 or more: 15 of 124 values
    assert abs(len(full) / 2000 - (0.9 + 0.1 * 15 / 124)) < 6 * (0.09 / 2000) ** 0.5
    cuts = [(row.second - 2) // 10 for row in full]
    assert set(cuts) == set(range(1, 12))
    assert (
        max(abs(cuts.count(cut) / len(cuts) - 1 / 11) for cut in range(1, 12))
        < 6 * (0.083 / len(cuts)) ** 0.5
    )


@given(packed=documents())
def test_full_sentences_leave_no_room_for_the_next_sentence(packed: list[Encoded]) -> None:
    packer = FullSentences(length=32)
    length = {one.ids[b]: e - b for one in packed for b, e in pairwise([0, *one.sentence_ends])}
    for row, after in pairwise(packer.pack(packed, FRAME, 0)):
        following = text(after)[0]
        if following in length:  # a whole sentence opens the next row
            changes = int(after.document != row.document + len(row.document_starts) - 1)
            assert len(row.ids) + changes + length[following] > 32


def test_a_word_longer_than_a_row_is_cut_and_counts_as_several() -> None:
    rows = list(
        DocSentences(length=8).pack([Encoded(0, list(range(10, 25)), [1] + [0] * 14, [15])], FRAME, 0)
    )
    assert [len(text(row)) for row in rows] == [6, 6, 3]
    assert [row.word_starts[1] for row in rows] == [1, 1, 1]


def test_one_sentence_makes_no_pair() -> None:
    (row,) = SegmentPairs(length=16).pack([Encoded(0, [5, 6], [1, 1], [2])], FRAME, 0)
    assert (row.ids, row.second) == ([CLS, 5, 6, SEP], 0)
