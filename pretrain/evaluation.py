"""How good is the network on rows it never saw, with masks that never change, and beside what costs nothing?

Two baselines give the numbers a meaning: always naming the most frequent token (unigram), and repeating the
token that stands at the position (copy), which is right where a position was kept.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.engine import Engine
from pretrain.objectives import Objective
from pretrain.tally import mean_measures


def evaluate(
    engine: Engine, batches: Iterable[Batch], objectives: Mapping[str, Objective], unigrams: NDArray[np.int64]
) -> dict[str, float]:
    """Loss (nats) and accuracy of each objective over this rank's `batches` and those of all other ranks.

    `unigrams` (vocab,) counts the tokens of the training text.
    """
    names = [*objectives, "unigram", "copy"]
    sums = torch.zeros(len(names), 3, dtype=torch.float64, device=engine.ranks.device)  # loss, hits, count
    surprise = _surprise(unigrams).to(engine.ranks.device)
    engine.network.eval()
    with torch.no_grad():
        for batch in batches:
            sums += _measure(engine, batch.to(engine.ranks.device), objectives, surprise)
    engine.network.train()
    losses, hits, counts = (
        dict(zip(names, column, strict=True)) for column in engine.ranks.total(sums).T.tolist()
    )
    row = mean_measures(losses, hits, counts)
    row.pop("copy", None)  # it names one token and gives no probabilities: there is no loss
    return row


def _measure(engine: Engine, batch: Batch, objectives: Mapping[str, Objective], surprise: Tensor) -> Tensor:
    """Loss, hits and count of one batch: a row for each objective, then unigram and copy."""
    outputs, alone = engine(batch), _window_of(batch)
    rows = [
        [*objective.term(outputs, batch).sums().tolist(), objective.count(alone)]
        for objective in objectives.values()
    ]
    targets, masked = batch.masked_targets, alone.masked_total
    shown = batch.input_ids.flatten()[batch.masked_positions]
    rows.append([float(surprise[targets].sum()), float((targets == surprise.argmin()).sum()), masked])
    rows.append([0.0, float((targets == shown).sum()), masked])
    return torch.tensor(rows, dtype=torch.float64, device=surprise.device)


def _surprise(unigrams: NDArray[np.int64]) -> Tensor:
    """-log of each token's share of the text, (vocab,), add-one smoothed."""
    counts = torch.from_numpy(unigrams.astype(np.float64)) + 1
    return -(counts / counts.sum()).log()


def _window_of(batch: Batch) -> Window:
    """A window of one batch, for its counts."""
    pairs = int((batch.pair_labels != NO_PAIR).sum())
    return Window(0, (batch,), len(batch.masked_targets), pairs, int(batch.attention_mask.sum()))
