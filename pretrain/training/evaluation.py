"""How good is the network on rows it never saw, with masks that never change, and beside what costs nothing?

Two baselines give the numbers a meaning: always naming the most frequent token (unigram), and repeating the
token that stands at the position (copy), which is right where a position was kept. All three are measured by
token and by word, which is right when all of its masked tokens are, and for each source of the text apart.

Lots of rows are dealt to the ranks, never cut by them, and their sums are added in one order: any number of
ranks measures the same. Nothing is drawn, so training goes on as if nothing had been measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader, Rows
from pretrain.objectives import Objective
from pretrain.training.tally import figures, mean_measures
from tokenization.rows import Row
from tokenization.sources import Sources

TOKENS = 1 << 13  # of a lot: it fits wherever a training step does, which keeps activations for its gradient
UNITS = ("", "_word")  # in names of measures
MEASURES = ("count", "mlm", "mlm_accuracy", "unigram", "unigram_accuracy", "copy_accuracy")


@dataclass(frozen=True)
class HeldOut:
    """Rows that are never trained on."""

    loader: Loader
    unigrams: NDArray[np.int64]  # (vocab,) how often each token occurs in the training text
    sources: Sources | None
    rows: int  # to measure on, at most

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sources; one without a name where they are not known."""
        return tuple(self.sources.names) if self.sources else ("",)

    @cached_property
    def lots(self) -> list[NDArray[np.int64]]:
        """Numbers of the rows that are measured together."""
        return self.loader.held_out(self.rows, max(1, TOKENS // self.loader.tokens.length))

    def sources_of(self, rows: Rows) -> NDArray[np.int64]:
        """The source of each position to predict, (masked,)."""
        if self.sources is None:
            return np.zeros(np.count_nonzero(rows.kinds), np.int64)
        documents = [
            _documents(self.loader.tokens.row(sample), np.flatnonzero(kinds))
            for sample, kinds in zip(rows.samples.tolist(), rows.kinds, strict=True)
        ]
        return self.sources.of_documents[np.concatenate(documents)]


def _documents(row: Row, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of the documents that stand at some positions of a row.

    Where training swaps two segments, both are of one document.
    """
    before = np.searchsorted(np.array(row.document_starts), positions, side="right") - 1
    found = row.document + np.maximum(before, 0)
    borrowed = row.second_document is not None and row.second > 0
    return np.where(borrowed & (positions >= row.second), row.second_document or 0, found)


def evaluate(engine: Engine, held_out: HeldOut, objectives: Mapping[str, Objective]) -> dict[str, float]:
    """Loss (nats) and accuracy of each objective and baseline, by token and by word, over all ranks.

    Where there are several sources, every measure but those of pairs follows for each: `mlm_accuracy/NAME`.
    """
    asked = {name: term for name, term in objectives.items() if name != "mlm"}
    widest = max([3, *(3 + len(term.counted) for term in asked.values())])  # count, loss, hits, more
    lots, ranks = held_out.lots, engine.ranks
    tokens = torch.zeros(len(lots), len(held_out.names), len(UNITS), len(MEASURES), dtype=torch.float64)
    others = torch.zeros(len(lots), len(asked), widest, dtype=torch.float64)
    surprise = _surprise(held_out.unigrams)
    engine.network.eval()
    with torch.no_grad():
        for number, counts in _dealt(len(lots), ranks.number, ranks.world):
            batch, rows = held_out.loader.examined(lots[number])
            outputs = engine(batch.to(ranks.device))
            if counts:
                sources = held_out.sources_of(rows)
                tokens[number] = _tokens(outputs.tokens, batch, rows, sources, surprise, len(held_out.names))
                for place, term in enumerate(asked.values()):
                    said = [term.count(_window_of(batch)), *term.term(outputs, batch.to(ranks.device)).sums()]
                    others[number, place, : len(said)] = torch.tensor(said)
    engine.network.train()
    sums, of_asked = (ranks.total(each.to(ranks.device)).cpu().numpy().sum(0) for each in (tokens, others))
    row = _row(sums.sum(0), "")
    for (name, term), (count, loss, hits, *more) in zip(asked.items(), of_asked.tolist(), strict=True):
        counted = dict(zip(term.counted, more, strict=False))
        row |= mean_measures({name: loss}, {name: hits}, {name: count}) | figures(
            {name: term}, counted, {name: count}
        )
    if len(held_out.names) > 1:
        for name, source in zip(held_out.names, sums, strict=True):
            row |= _row(source, f"/{name}")
    return row


def _dealt(lots: int, rank: int, world: int) -> Iterator[tuple[int, bool]]:
    """This rank's lots, and whether they count: all ranks take equally many, as sharded weights demand."""
    for first in range(0, lots, world):
        yield min(first + rank, lots - 1), first + rank < lots


def _tokens(
    logits: Tensor,
    batch: Batch,
    rows: Rows,
    sources: NDArray[np.int64],
    surprise: NDArray[np.float64],
    names: int,
) -> Tensor:
    """Sums over the positions to predict of one lot, (sources, units, measures)."""
    targets = batch.masked_targets.numpy()
    losses = cross_entropy(logits.float(), batch.masked_targets.to(logits.device), reduction="none")
    shown = batch.input_ids.flatten()[batch.masked_positions].numpy()
    by_token = np.stack(
        [
            np.ones(len(targets)),
            losses.double().cpu().numpy(),
            logits.argmax(-1).cpu().numpy() == targets,
            surprise[targets],
            targets == surprise.argmin(),
            targets == shown,
        ]
    )
    masked = rows.kinds > 0
    numbers = np.nonzero(masked)[0] * rows.words.shape[1] + rows.words[masked]
    _, first, word = np.unique(numbers, return_index=True, return_inverse=True)
    by_word = np.stack([np.bincount(word, each, len(first)) for each in by_token])
    by_word[[2, 4, 5]] = by_word[[2, 4, 5]] == by_word[0]  # right when all of its tokens are
    by_word[0] = 1
    pairs = ((by_token, sources), (by_word, sources[first]))
    sums = [[np.bincount(of, each, names) for each in measures] for measures, of in pairs]
    return torch.from_numpy(np.array(sums).transpose(2, 0, 1))


def _row(sums: NDArray[np.float64], ending: str) -> dict[str, float]:
    """Means of (units, measures), by name; a source without positions to predict has none."""
    row: dict[str, float] = {}
    for unit, values in zip(UNITS, sums, strict=True):
        count = values[0]
        for name, value in zip(MEASURES[1:], values[1:], strict=True):
            measure, _, accuracy = name.partition("_")
            if count:
                row[f"{measure}{unit}{'_' if accuracy else ''}{accuracy}{ending}"] = float(value / count)
        row[f"{'words' if unit else 'tokens'}{ending}"] = float(count)
    return row


def _surprise(unigrams: NDArray[np.int64]) -> NDArray[np.float64]:
    """-log of each token's share of the text, (vocab,), add-one smoothed."""
    counts = unigrams.astype(np.float64) + 1
    surprise: NDArray[np.float64] = -np.log(counts / counts.sum())
    return surprise


def _window_of(batch: Batch) -> Window:
    """A window of one batch, for its counts."""
    pairs = int((batch.pair_labels != NO_PAIR).sum())
    return Window(0, (batch,), len(batch.masked_targets), pairs, int(batch.attention_mask.sum()))
