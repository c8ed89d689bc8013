"""Encoding and batching: every row once, the same for equal seeds, little padding, nothing shifted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from corpora.labelled import Row
from pretrain.finetuning.examples import by_length, epoch_order
from tests.pretrain.finetuning.making import VOCABULARY, make_examples, make_folder

lengths = st.lists(st.integers(1, 200), min_size=1, max_size=400).map(np.array)


@given(lengths, st.integers(1, 40), st.integers(0, 3), st.integers(0, 3))
def test_an_epoch_visits_every_row_once_in_batches_of_the_size_asked(
    lengths: np.ndarray, batch: int, seed: int, epoch: int
) -> None:
    batches = epoch_order(lengths, batch, seed, epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert sorted(map(len, batches))[1:] == [batch] * (len(batches) - 1)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    lengths = np.arange(1, 500)
    orders = {(s, e): np.concatenate(epoch_order(lengths, 8, s, e)).tolist() for s in (0, 1) for e in (0, 1)}
    assert len({tuple(order) for order in orders.values()}) == 4
    assert orders[1, 1] == np.concatenate(epoch_order(lengths, 8, 1, 1)).tolist()


def test_bucketing_saves_most_of_the_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 4096)
    padded = sum(lengths[rows].max() * len(rows) for rows in epoch_order(lengths, 32, 0, 0))
    shuffled = sum(rows.max() * 32 for rows in np.random.default_rng(1).permutation(lengths).reshape(-1, 32))
    real = lengths.sum()
    assert padded - real < (shuffled - real) / 10


@given(lengths, st.integers(1, 40))
def test_scoring_visits_every_row_once(lengths: np.ndarray, batch: int) -> None:
    assert sorted(np.concatenate(by_length(lengths, batch)).tolist()) == list(range(len(lengths)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


def test_a_batch_pads_to_its_own_longest_row(folder: Path) -> None:
    rows = [Row("好", label=0), Row("天地人", label=1), Row("", label=0)]
    batch = make_examples(rows, folder).batch(np.array([2, 0]))
    good = VOCABULARY.index("好")
    assert batch.input_ids.tolist() == [[2, 3, 0], [2, good, 3]]
    assert batch.attention_mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.labels.tolist() == [0, 0]


def test_encoding_is_the_tokenizers_own_and_counts_what_it_cuts(folder: Path) -> None:
    rows = [Row("好天", label=1), Row("天地人你我他", label=0), Row("x", label=1)]
    examples, tokenizer = make_examples(rows, folder, 6), AutoTokenizer.from_pretrained(folder)
    words = [tokenizer.convert_ids_to_tokens(window.ids.tolist()) for window in examples.windows]
    assert words == [
        ["[CLS]", "好", "天", "[SEP]"],
        ["[CLS]", "天", "地", "人", "你", "[SEP]"],
        ["[CLS]", "[UNK]", "[SEP]"],
    ]
    assert (examples.cut, examples.lengths().tolist()) == (1, [4, 6, 3])


def test_of_a_pair_the_network_is_told_which_text_is_which_and_the_longer_one_is_cut(folder: Path) -> None:
    examples = make_examples([Row("天地人你我他", second="好坏", label=1)], folder, 8)
    (window,) = examples.windows
    assert window.types is not None
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert "".join(tokenizer.convert_ids_to_tokens(window.ids.tolist())) == "[CLS]天地人[SEP]好坏[SEP]"
    assert window.types.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert examples.cut == 1


def test_no_rows_make_no_examples(folder: Path) -> None:
    assert len(make_examples([], folder)) == 0
