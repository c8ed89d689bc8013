from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from corpora.artefact import Artefact
from pretrain.batch import FALLBACK, KEPT, KINDS, MASK, RANDOM, SIMILAR, Masks
from pretrain.loading import Loader
from pretrain.masking import NgramMasking, TokenMasking, WholeWordMasking
from pretrain.masking.strategy import Strategy
from pretrain.preview.census import Census, take, upcoming
from pretrain.preview.figure import Piece, pieces, speller
from pretrain.preview.page import page
from pretrain.preview.tables import tables
from pretrain.replacement import BertReplacement
from pretrain.rows import Rows
from tests.pretrain.toys import toy_data
from tests.tokenization.making import CLS, SEP
from tokenization.tokens import TokenSet

UNK = 1
WORDS = [-1, 0, 0, 1, 2, 2, 2, -1, 5, -1]
IDS = [CLS, 10, 11, 12, 13, 14, 15, UNK, 16, SEP]


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    return toy_loader(toy_data(tmp_path_factory.mktemp("tokens") / "data"), NgramMasking())


def toy_loader(data: Artefact, masking: Strategy) -> Loader:
    return Loader(TokenSet.open(data), masking, BertReplacement(), None, 0, 0, 8, True)  # type: ignore[arg-type]


def rows_of(runs: Sequence[int], kinds: Sequence[int], shown: Sequence[int] = IDS) -> Rows:
    """One row of these words, padded by two."""

    def wide(values: Sequence[int], filling: int, kind: type) -> NDArray[Any]:
        return np.array([[*values, filling, filling]], kind)

    return Rows(
        samples=np.zeros(1, np.int64),
        ids=wide(IDS, 0, np.int64),
        words=wide(WORDS, -1, np.int32),
        runs=wide(runs, 0, np.int32),
        shown=wide(shown, 0, np.int64),
        kinds=wide(kinds, 0, np.uint8),
        positions=wide(range(len(IDS)), 0, np.int32),
        lengths=np.array([len(IDS)], np.int32),
        second=np.zeros(1, np.int32),
        pair_labels=np.zeros(1, np.int64),
    )


def test_a_row_is_counted_as_by_hand(loader: Loader) -> None:
    runs = [0, 1, 1, 1, 0, 0, 0, 0, 2, 0]
    kinds = [0, SIMILAR, SIMILAR, RANDOM, 0, 0, 0, 0, KEPT, 0]
    nothing = [0] * len(IDS)
    census = take([rows_of(runs, kinds), rows_of(nothing, nothing)], loader)
    assert census.ratios.tolist() == [4 / 7, 0]
    assert census.bare == 0.5
    assert (census.tokens, census.unknown) == (16, 2)
    assert census.lengths == Counter({2: 1, 1: 1})
    names = {name: census.kind_tokens[number] for number, name in enumerate(KINDS)}
    assert names == {"mask": 0, "similar": 2, "random": 1, "kept": 1, "fallback": 0}
    assert census.kind_words.tolist() == [0, 1, 1, 1, 0]
    assert census.words == Counter({(10, 11): 2, (12,): 2, (13, 14, 15): 2, (16,): 2})
    assert census.masked == Counter({(10, 11): 1, (12,): 1, (16,): 1})


@pytest.mark.parametrize("masking", [NgramMasking(), WholeWordMasking(), TokenMasking()])
def test_a_census_agrees_with_what_training_reports(loader: Loader, masking: Strategy) -> None:
    made = Loader(loader.tokens, masking, BertReplacement(), None, 0, 0, 8, True)  # type: ignore[arg-type]
    census, masks = take(upcoming(made, 3, 24), made), Masks()
    for step in (3, 4, 5):
        masks = masks.plus(made.window(step).masks)
    said = masks.realised()
    assert len(census.ratios) == 24
    assert census.ratios.mean() == pytest.approx(said["mask_rate"])
    assert census.ratios.std() == pytest.approx(said["mask_rate_deviation"])
    assert census.kind_tokens.tolist() == list(masks.kinds)
    assert masking.whole_words is False or census.masked.total() == census.kind_words.sum()
    assert (max(census.lengths) > 1) == isinstance(masking, NgramMasking)
    assert census.words.total() > census.masked.total() > 0


def test_as_many_rows_as_asked(loader: Loader) -> None:
    sizes = [len(rows.ids) for rows in upcoming(loader, 0, 19)]
    assert sizes == [8, 8, 3]
    numbers = np.concatenate([rows.samples for rows in upcoming(loader, 2, 19)])
    assert numbers.tolist() == np.concatenate([loader.samples(step) for step in (2, 3, 4)])[:19].tolist()


def test_pieces_say_words_runs_and_what_stands_there(loader: Loader) -> None:
    runs = [0, 1, 1, 1, 2, 0, 0, 0, 3, 0]
    kinds = [0, MASK, MASK, FALLBACK, RANDOM, 0, 0, 0, KEPT, 0]
    shown = [CLS, 4, 4, 20, 21, 14, 15, UNK, 16, SEP]
    spell = speller(loader.tokens.tokenizer)
    made = pieces(rows_of(runs, kinds, shown), 0, spell)
    word = {number: spell([number]) for number in (10, 11, 12, 13, 14, 15, 16, 20, 21)}
    assert made == [
        Piece("[CLS]", "[CLS]", "", "word", True),
        Piece(word[10] + word[11], "[M][M]", "mask", "word", False),
        Piece(word[12], word[20], "fallback", "run", False),
        Piece(word[13], word[21], "random", "word", False),
        Piece(word[14] + word[15], word[14] + word[15], "", "part", False),
        Piece("[UNK]", "[UNK]", "", "word", True),
        Piece(word[16], word[16], "kept", "word", False),
        Piece("[SEP]", "[SEP]", "", "word", True),
    ]


def test_pieces_give_every_row_back(loader: Loader) -> None:
    rows, spell = loader.rows(0), speller(loader.tokens.tokenizer)
    for row, length in enumerate(rows.lengths):
        made = pieces(rows, row, spell)
        text = "".join(spell([token]) for token in rows.ids[row, :length].tolist())
        assert "".join(piece.text for piece in made).replace("#", "") == text.replace("#", "")
        assert all(piece.kind or piece.text == piece.shown for piece in made)


def test_tables_and_page_say_realised_beside_nominal(loader: Loader) -> None:
    census: Census = take(upcoming(loader, 0, 40), loader)
    spell = speller(loader.tokens.tokenizer)
    per_row, runs, kinds, words = tables(census, loader, 0.15, spell)
    assert ("mask ratio, mean", f"{census.ratios.mean():.2%}", "15.00%") in per_row.rows
    assert [(row[0], row[3]) for row in runs.rows] == [
        ("1", "40.0%"),
        ("2", "30.0%"),
        ("3", "20.0%"),
        ("4", "10.0%"),
    ]
    assert [(row[0], row[3]) for row in kinds.rows] == [
        ("mask", "80.0%"),
        ("random", "10.0%"),
        ("kept", "10.0%"),
    ]
    times = [int(row[1]) for row in words.rows]
    assert times == sorted(times, reverse=True)
    odd = Piece("<b>&", "'", "mask", "word", False)
    text = page("<x>", "note", [[odd]], [per_row])
    assert "&lt;b&gt;&amp; →</i> &#x27;</b>" in text
    assert "<title>&lt;x&gt;</title>" in text
    assert "http" not in text
