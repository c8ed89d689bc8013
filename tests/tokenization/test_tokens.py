"""The token set: what was written comes back, by number, padded, and `datasets` opens it too."""

from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.errors import UsageError
from tests.tokenization.making import PLAIN, make_token_set, row
from tokenization import tokens
from tokenization.tokens import Columns, Row, TokenSet, TokenWriter
from tokenization.vocabulary import Vocabulary

VOCABULARY = Vocabulary("digest", 1000, 0, 1, 2, 3, 4, (0, 1, 2, 3, 4), ())

some_rows = st.lists(
    st.lists(st.integers(5, 999), min_size=1, max_size=9).flatmap(
        lambda ids: st.builds(
            Row,
            ids=st.just(ids),
            word_starts=st.lists(st.integers(0, 1), min_size=len(ids), max_size=len(ids)),
            second=st.integers(0, len(ids)),
            document=st.integers(0, 2**32 - 1),
            document_starts=st.lists(st.integers(0, len(ids)), min_size=1, max_size=3),
            unknown=st.lists(st.text(st.sampled_from("镕囍x"), min_size=1, max_size=3), max_size=2),
        )
    ),
    min_size=1,
    max_size=30,
)


def write(path: Path, rows: list[Row], slices: int = 1, next_sentences: bool = False) -> Path:
    with path.open("wb") as stream, TokenWriter(stream, VOCABULARY.size, next_sentences) as writer:
        for number in range(slices):
            writer.write(Columns.of(rows[number::slices]))
    return path


def as_lists(row: Row) -> Row:
    """With lists in place of other sequences."""
    starts, unknown = list(row.document_starts), list(row.unknown)
    return replace(row, document_starts=starts, unknown=unknown)


@given(some_rows, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_any_rows_come_back_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], random: Random
) -> None:
    folder = tmp_path_factory.mktemp("tokens")
    half = len(rows) // 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "BLOCK_TOKENS", 20)  # several record batches a file
        files = [
            write(folder / "train-00000.arrow", rows[:half]),
            write(folder / "train-00001.arrow", rows[half:], slices=3),
        ]
    rows = [*rows[:half], *(row for number in range(3) for row in rows[half + number :: 3])]
    opened = TokenSet(files, VOCABULARY, folder, length=9)
    asked = [random.randrange(len(rows)) for _ in range(12)]
    got = opened.rows(np.array(asked))
    assert len(opened) == len(rows)
    for place, number in enumerate(asked):
        length = len(rows[number].ids)
        assert got.lengths[place] == length
        assert got.ids[place, :length].tolist() == rows[number].ids
        assert (got.ids[place, length:] == 0).all()
        assert got.word_starts[place, :length].tolist() == [bool(bit) for bit in rows[number].word_starts]
        assert not got.word_starts[place, length:].any()
        assert (got.second[place], got.documents[place]) == (rows[number].second, rows[number].document)
        assert opened.row(number) == as_lists(rows[number])
    assert got.second_documents is None
    assert not opened.next_sentences


@given(
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=9), st.integers(1, 9)
)
@settings(max_examples=30, deadline=None)
def test_positions_are_counted_in_each_document(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[int]], slices: int
) -> None:
    path = tmp_path_factory.mktemp("tokens") / "train-00000.arrow"
    made = [
        Row([5] * sum(sizes), [1] * sum(sizes), document_starts=[0, *accumulate(sizes)][:-1])
        for sizes in rows
    ]
    opened = TokenSet([write(path, made, slices)], VOCABULARY, path.parent, length=20)
    wanted = [sizes for number in range(slices) for sizes in rows[number::slices]]
    order = list(range(len(rows)))[::-1]
    got = opened.rows(np.array(order))
    for place, number in enumerate(order):
        positions = [position for size in wanted[number] for position in range(size)]
        assert got.positions[place].tolist() == positions + [0] * (got.ids.shape[1] - len(positions))
    assert opened.joins_documents == any(len(sizes) > 1 for sizes in rows)


def test_a_set_for_the_next_sentence_says_whose_b_is(tmp_path: Path) -> None:
    rows = [
        Row([2, 5, 3, 6, 3], [1] * 5, second=3, document=4, second_document=other) for other in (4, 2**32 - 1)
    ]
    opened = TokenSet([write(tmp_path / "a.arrow", rows, next_sentences=True)], VOCABULARY, tmp_path, 16)
    got = opened.rows(np.array([1, 0, 1]))
    assert opened.next_sentences
    assert got.documents.tolist() == [4, 4, 4]
    assert got.second_documents is not None
    assert got.second_documents.tolist() == [2**32 - 1, 4, 2**32 - 1]
    assert [opened.row(number) for number in range(2)] == [as_lists(each) for each in rows]


def test_tokens_are_views_of_the_mapped_file(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    opened = TokenSet([write(tmp_path / "a.arrow", [row([[5] * 100])] * 10_000)], VOCABULARY, tmp_path, 128)
    assert pa.total_allocated_bytes() - before < 100_000  # two megabytes of ids stay on disk
    assert not opened._blocks[0].ids.flags.writeable
    assert not opened._blocks[0].ids.flags.owndata


@pytest.mark.slow
def test_datasets_opens_the_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = replace(row([[5], [1, 7]], [[8]], document=3), unknown=("镕",))
    artefact = make_token_set(tmp_path / "set", [made])
    opened = datasets.Dataset.from_file(str(artefact.file("train-00000.arrow")))
    assert opened[0] == {
        "input_ids": [2, 5, 1, 7, 3, 8, 3],
        "word_starts": [1, 1, 1, 0, 1, 1, 1],
        "second": 5,
        "document": 3,
        "document_starts": [0],
        "unknown": ["镕"],
    }
    whole = datasets.load_dataset(
        "arrow", data_files=str(artefact.path / "train-*.arrow"), cache_dir=str(tmp_path / "cache")
    )
    assert whole["train"][0] == opened[0]


@pytest.mark.parametrize(("size", "width"), [(65_536, pa.uint16()), (65_537, pa.uint32())])
def test_ids_take_the_narrowest_type_that_fits(tmp_path: Path, size: int, width: object) -> None:
    with (tmp_path / "a.arrow").open("wb") as stream, TokenWriter(stream, size) as writer:
        writer.write(Columns.of([Row([size - 1], [1])]))
    table = pa.ipc.open_stream(tmp_path / "a.arrow").read_all()
    assert table.schema.field("input_ids").type.value_type == width
    assert table["input_ids"].to_pylist() == [[size - 1]]


def test_an_id_too_large_is_refused_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises((pa.ArrowInvalid, OverflowError)), (tmp_path / "a.arrow").open("wb") as stream:  # noqa: SIM117
        with TokenWriter(stream, 1000) as writer:
            writer.write(Columns.of([Row([65_536], [1])]))


def test_a_missing_split_is_named_with_those_that_exist(tmp_path: Path) -> None:
    artefact = make_token_set(tmp_path / "set", [row([[5]])])
    with pytest.raises(UsageError, match=r"no rows of 'validation' \(it has: train\)"):
        TokenSet.open(artefact, "validation")


def test_an_artefact_knows_its_vocabulary_and_tokenizer(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    opened = TokenSet.open(make_token_set(tmp_path / "set", [row([[5]])], length=16))
    tokenizer = AutoTokenizer.from_pretrained(opened.tokenizer)
    assert (opened.length, opened.pad_id, opened.special_ids) == (16, 0, (0, 1, 2, 3, 4))
    assert opened.vocabulary_size == len(tokenizer)
    assert opened.vocabulary.mask_id == tokenizer.mask_token_id
    assert tokenizer.convert_ids_to_tokens(list(opened.vocabulary.drawable_ids)) == list(PLAIN)


@pytest.mark.parametrize("number", [-1, 1])
def test_a_row_number_outside_is_an_error(tmp_path: Path, number: int) -> None:
    opened = TokenSet([write(tmp_path / "a.arrow", [row([[5]])])], VOCABULARY, tmp_path, 16)
    with pytest.raises(IndexError, match="of a token set with 1"):
        opened.rows(np.array([number]))
    with pytest.raises(IndexError, match="of a token set with 1"):
        opened.row(number)


def test_a_batch_can_be_as_long_as_a_multiple_but_no_longer_than_any_row_may_be(tmp_path: Path) -> None:
    path = write(tmp_path / "a.arrow", [Row([5] * size, [1] * size) for size in (3, 9, 11)])
    opened = TokenSet([path], VOCABULARY, tmp_path, length=11)
    for rows, multiple, width in (([0], 1, 3), ([0], 8, 8), ([1, 0], 8, 11), ([2], 4, 11), ([], 8, 0)):
        got = opened.rows(np.array(rows, np.int64), multiple)
        assert got.ids.shape == got.word_starts.shape == (len(rows), width)
        assert (got.ids != 0).sum(axis=1).tolist() == got.lengths.tolist()
        assert opened.lengths(np.array(rows, np.int64)).tolist() == got.lengths.tolist()
    with pytest.raises(IndexError, match="rows 2 to 3 of a token set with 3"):
        opened.lengths(np.array([2, 3]))


def test_wide_ids_come_back(tmp_path: Path) -> None:
    large = Vocabulary("digest", 200_000, 0, 1, 2, 3, 4, (0, 1, 2, 3, 4), ())
    path = tmp_path / "a.arrow"
    with path.open("wb") as stream, TokenWriter(stream, large.size) as writer:
        writer.write(Columns.of([Row([5, 70_000, 199_999], [1, 0, 1])]))
    assert TokenSet([path], large, tmp_path, 8).rows(np.array([0])).ids.tolist() == [[5, 70_000, 199_999]]


def test_a_file_without_word_starts_is_refused(tmp_path: Path) -> None:
    table = pa.table({"input_ids": pa.array([[1, 2]], pa.large_list(pa.uint16()))})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    with pytest.raises(UsageError, match=r"a\.arrow has no column 'word_starts' \(it has: input_ids\)"):
        TokenSet([tmp_path / "a.arrow"], VOCABULARY, tmp_path, 8)
