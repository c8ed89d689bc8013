"""Held-out measures, against sums taken one token at a time; the same for any number of ranks."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from corpora.artefact import Artefact
from pretrain.engine.deepspeed import Engine
from pretrain.training import evaluation
from pretrain.training.evaluation import HeldOut, evaluate
from pretrain.training.material import open_loader
from tests.pretrain.toys import LENGTH, OBJECTIVES, toy_engine, toy_network, toy_rows, toy_train
from tests.tokenization.making import SIZE, make_token_set, row
from tokenization import sources
from tokenization.tokens import Row

SOURCES = ["news", "reviews", "news", "web", "reviews"]  # of documents 0 to 4


def packed(*documents: list[list[int]], first: int) -> Row:
    """Several documents in one row: each is a list of words, and stands behind a [SEP] of its own."""
    made, starts, ids, bits = row(documents[0]), [0], list[int](), list[int]()
    for number, words in enumerate(documents):
        starts = starts if number == 0 else [*starts, len(ids)]
        part = row(words)
        cut = slice(0 if number == 0 else 1, None)
        ids += part.ids[cut]
        bits += part.word_starts[cut]
    return replace(made, ids=ids, word_starts=bits, document=first, document_starts=starts)


def held_out_rows() -> list[Row]:
    pairs = [replace(one, document=number % 5) for number, one in enumerate(toy_rows(9, 1))]
    words = [[[5 + n % 20], [6, 7]] for n in range(12)]
    return [*pairs, packed(words[0] * 3, words[1] * 2, words[2] * 3, first=1), packed(words[3] * 4, first=4)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("tokens") / "data"
    return make_token_set(folder, toy_rows(20, 0), held_out_rows(), length=LENGTH, sources=SOURCES)


@pytest.fixture
def held_out(data: Artefact, monkeypatch: pytest.MonkeyPatch) -> HeldOut:
    monkeypatch.setattr(evaluation, "TOKENS", 4 * LENGTH)
    loader = open_loader(
        toy_train(masking={"strategy": "whole_word", "budget": 0.4}), {"data": data}, "validation"
    )
    counts = np.arange(SIZE, dtype=np.int64)
    return HeldOut(loader, counts, sources.read(data), 100)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return toy_engine(toy_network())


def by_hand(engine: Engine, held_out: HeldOut) -> dict[str, float]:
    """Every measure, by token and by word, one position at a time."""
    shares = (held_out.unigrams + 1) / (held_out.unigrams + 1).sum()
    tokens, words = (
        defaultdict[str, list[list[float]]](list),
        defaultdict[tuple[str, int, int], list[list[float]]](list),
    )
    engine.network.eval()
    for lot in held_out.lots:
        batch, rows = held_out.loader.examined(lot)
        with torch.no_grad():
            scores = log_softmax(engine(batch).tokens.double(), -1)
        for place, (at, target) in enumerate(
            zip(batch.masked_positions.tolist(), batch.masked_targets.tolist(), strict=True)
        ):
            number, position = divmod(at, batch.input_ids.shape[1])
            made = held_out.loader.tokens.row(int(rows.samples[number]))
            starts = [begin for begin in made.document_starts if begin <= position]
            source = SOURCES[made.document + len(starts) - 1]
            shown = int(batch.input_ids[number, position])
            one = [
                -float(scores[place, target]),
                float(scores[place].argmax() == target),
                -float(np.log(shares[target])),
                float(target == SIZE - 1),
                float(shown == target),
            ]
            tokens[source].append(one)
            words[source, int(rows.samples[number]), int(rows.words[number, position])].append(one)
    engine.network.train()
    of_words = defaultdict[str, list[list[float]]](list)
    for (source, _, _), some in words.items():
        table = np.array(some)
        of_words[source].append([v.sum() if n in (0, 2) else v.min() for n, v in enumerate(table.T)])
    row: dict[str, float] = {}
    for unit, found in (("", tokens), ("_word", of_words)):
        everything = [one for some in found.values() for one in some]
        for ending, some in (("", everything), *((f"/{name}", some) for name, some in found.items())):
            names = ("mlm", "mlm*", "unigram", "unigram*", "copy*")
            for name, value in zip(names, np.array(some).mean(0), strict=True):
                row[f"{name.rstrip('*')}{unit}{'_accuracy' if '*' in name else ''}{ending}"] = float(value)
            row[f"{'words' if unit else 'tokens'}{ending}"] = len(some)
    return row


def test_every_measure_by_hand(engine: Engine, held_out: HeldOut) -> None:
    row = evaluate(engine, held_out, OBJECTIVES)
    wanted = by_hand(engine, held_out)
    assert row.keys() - {"sop", "sop_accuracy"} == wanted.keys()
    for name, value in wanted.items():
        assert row[name] == pytest.approx(value, rel=1e-5), name
    assert len(held_out.lots) == 3
    assert row["words"] < row["tokens"]
    assert {f"tokens/{name}" for name in SOURCES} <= row.keys()


def test_losses_add_up_over_sources(engine: Engine, held_out: HeldOut) -> None:
    row = evaluate(engine, held_out, OBJECTIVES)
    for unit, count in (("", "tokens"), ("_word", "words")):
        parts = sum(row[f"mlm{unit}/{name}"] * row[f"{count}/{name}"] for name in set(SOURCES))
        assert parts == pytest.approx(row[f"mlm{unit}"] * row[count])


@dataclass(frozen=True)
class Share:
    """One rank of several, whose sums are kept instead of being added."""

    number: int
    world: int
    kept: list[Tensor]
    device: str = "cpu"

    def total(self, values: Tensor) -> Tensor:
        self.kept.append(values.clone())
        return values


def sums(engine: Engine, held_out: HeldOut, world: int, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """What `world` ranks measure together."""
    shares = [Share(number, world, []) for number in range(world)]
    for share in shares:
        monkeypatch.setattr(engine, "ranks", share)
        evaluate(engine, held_out, OBJECTIVES)
    monkeypatch.undo()
    return [torch.stack(some).sum(0) for some in zip(*(share.kept for share in shares), strict=True)]


def test_any_number_of_ranks_measures_the_same_to_the_last_bit(
    engine: Engine, held_out: HeldOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [sums(engine, held_out, 1, monkeypatch) for _ in range(2)]
    lots = held_out.lots  # as many rounds on each rank, though lots do not divide by two or five
    assert len(lots) > 1
    assert all(torch.equal(*pair) for pair in zip(*alone, strict=True))
    for world in (2, 5):
        together = sums(engine, held_out, world, monkeypatch)
        assert all(torch.equal(*pair) for pair in zip(together, alone[0], strict=True))


def test_without_sources_there_is_one_figure_each(engine: Engine, held_out: HeldOut) -> None:
    row, apart = (
        evaluate(engine, replace(held_out, sources=None), OBJECTIVES),
        evaluate(engine, held_out, OBJECTIVES),
    )
    assert not any("/" in name for name in row)
    assert row == pytest.approx({name: value for name, value in apart.items() if "/" not in name})


def test_borrowed_segments_count_for_their_own_document() -> None:
    made = row([[5], [6]], [[7], [8]], document=2)
    borrowed = replace(made, second_document=9)
    positions = np.array([1, 2, 4, 5])
    assert evaluation._documents(made, positions).tolist() == [2, 2, 2, 2]
    assert evaluation._documents(borrowed, positions).tolist() == [2, 2, 9, 9]


def test_measuring_draws_nothing_and_leaves_the_network_training(held_out: HeldOut) -> None:
    engine = toy_engine(toy_network(dropout=0.5))
    torch.manual_seed(7)
    state = torch.get_rng_state()
    rows = [evaluate(engine, held_out, OBJECTIVES) for _ in range(2)]
    assert rows[0] == rows[1]
    assert torch.equal(torch.get_rng_state(), state)
    assert engine.network.training
    assert all(parameter.grad is None for parameter in engine.network.parameters())


def test_a_token_set_of_before_knows_no_sources(tmp_path: Path) -> None:
    assert sources.read(make_token_set(tmp_path / "old", toy_rows(4, 0), toy_rows(4, 1))) is None
