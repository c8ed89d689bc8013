"""One training step: the heart of the house.

A window is all micro-batches of one step, on all ranks. Masks are a function of (seed, epoch, sample), so
the number of positions to predict in the whole window is known before the first forward pass, and each loss
term is divided by that one denominator. A mean of micro-batch means would weigh tokens by their company.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.objectives import Objective
from pretrain.randomness import torch_seed


@dataclass(frozen=True)
class Step:
    """What one step did: sums over the whole window, ready to be added to those of other steps."""

    applied: bool  # False: nothing was asked, or loss or gradient was not finite; the weights are as before
    norm: float  # of the gradient, before clipping
    losses: Mapping[str, float]  # nats, by objective
    hits: Mapping[str, int]  # right predictions, by objective
    counts: Mapping[str, int]  # predictions asked, by objective
    more: Mapping[str, float] = field(default_factory=dict)  # what else is counted, by its own name


def train_step(
    engine: Engine, window: Window, objectives: Mapping[str, Objective], learning_rate: float, seed: int
) -> Step:
    """Learn from one window, and say what was measured on the way."""
    counts = {name: objective.count(window) for name, objective in objectives.items()}
    if not any(counts.values()):  # known to all ranks; an update would be weight decay and old moments alone
        return Step(False, 0.0, dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0), counts)
    widest = 2 + max(len(objective.counted) for objective in objectives.values())  # loss, hits, more
    sums = torch.zeros(len(objectives), widest, dtype=torch.float64, device=engine.ranks.device)
    for number, batch in enumerate(window.batches, start=1):
        seed_dropout(seed, window.step, number, engine.ranks)
        batch = batch.to(engine.ranks.device)
        outputs = engine(batch)
        loss = torch.zeros((), device=engine.ranks.device)
        for row, (name, objective) in enumerate(objectives.items()):
            term = objective.term(outputs, batch)
            loss = loss + objective.weight * term.loss / max(counts[name], 1)
            said = term.sums()
            sums[row, : len(said)] += said
        engine.backward(_honest(loss), last=number == len(window.batches))
    norm = engine.update(learning_rate)
    losses, hits, *more = engine.ranks.total(sums).T.tolist()
    return Step(
        applied=math.isfinite(norm),
        norm=norm,
        losses=dict(zip(objectives, losses, strict=True)),
        hits={name: int(hit) for name, hit in zip(objectives, hits, strict=True)},
        counts=counts,
        more={
            name: of_all[row]
            for row, objective in enumerate(objectives.values())
            for name, of_all in zip(objective.counted, more, strict=False)
        },
    )


def seed_dropout(seed: int, step: int, micro_batch: int, ranks: Ranks) -> None:
    """Make dropout, too, a function of the step, and of the micro-batch's number over all ranks."""
    torch.manual_seed(torch_seed(seed, "dropout", step, micro_batch * ranks.world + ranks.number))


def _honest(loss: Tensor) -> Tensor:
    """The loss; one that is not finite also gets a gradient that is not, on whichever rank it arose.

    The reduced gradient then tells every rank the same story, and all of them skip the step, or none.
    """
    return loss * (1 + 0 * loss.detach())
