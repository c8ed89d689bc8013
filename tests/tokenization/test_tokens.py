"""The token set: what was written comes back, by number, padded, and `datasets` opens it too."""

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
from tokenization.tokens import Row, TokenSet, TokenWriter
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
        )
    ),
    min_size=1,
    max_size=30,
)


def write(path: Path, rows: list[Row]) -> Path:
    with path.open("wb") as stream, TokenWriter(stream, VOCABULARY.size) as writer:
        for each in rows:
            writer.write(each)
    return path


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
            write(folder / "train-00001.arrow", rows[half:]),
        ]
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


def test_tokens_are_views_of_the_mapped_file(tmp_path: Path) -> None:
    before = pa.total_allocated_bytes()
    opened = TokenSet([write(tmp_path / "a.arrow", [row([[5] * 100])] * 10_000)], VOCABULARY, tmp_path, 128)
    assert pa.total_allocated_bytes() - before < 100_000  # two megabytes of ids stay on disk
    assert not opened._blocks[0].ids.flags.writeable
    assert not opened._blocks[0].ids.flags.owndata


def test_datasets_opens_the_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    artefact = make_token_set(tmp_path / "set", [row([[5], [6, 7]], [[8]], document=3)])
    opened = datasets.Dataset.from_file(str(artefact.file("train-00000.arrow")))
    assert opened[0] == {
        "input_ids": [2, 5, 6, 7, 3, 8, 3],
        "word_starts": [1, 1, 1, 0, 1, 1, 1],
        "second": 5,
        "document": 3,
        "document_starts": [0],
    }


@pytest.mark.parametrize(("size", "width"), [(65_536, pa.uint16()), (65_537, pa.uint32())])
def test_ids_take_the_narrowest_type_that_fits(tmp_path: Path, size: int, width: object) -> None:
    with (tmp_path / "a.arrow").open("wb") as stream, TokenWriter(stream, size) as writer:
        writer.write(Row([size - 1], [1]))
    table = pa.ipc.open_stream(tmp_path / "a.arrow").read_all()
    assert table.schema.field("input_ids").type.value_type == width
    assert table["input_ids"].to_pylist() == [[size - 1]]


def test_an_id_too_large_is_refused_not_wrapped(tmp_path: Path) -> None:
    with pytest.raises((pa.ArrowInvalid, OverflowError)), (tmp_path / "a.arrow").open("wb") as stream:  # noqa: SIM117
        with TokenWriter(stream, 1000) as writer:
            writer.write(Row([65_536], [1]))


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
