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

from pretrain.adversarial import Adversary, plain
from pretrain.adversarial.health import examine
from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.micro_batch import MicroBatch
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
    noted: Mapping[str, float] = field(default_factory=dict)  # what an adversary has to say
    more: Mapping[str, float] = field(default_factory=dict)  # what else is counted, by its own name


def train_step(
    engine: Engine,
    window: Window,
    objectives: Mapping[str, Objective],
    learning_rate: float,
    seed: int,
    adversary: Adversary | None = None,
) -> Step:
    """Learn from one window, and say what was measured on the way."""
    counts = {name: objective.count(window) for name, objective in objectives.items()}
    if not any(counts.values()):  # known to all ranks; an update would be weight decay and old moments alone
        return Step(False, 0.0, dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0), counts)
    if adversary and not adversary.due(window.step):
        adversary = None
    widest = 2 + max(len(objective.counted) for objective in objectives.values())  # loss, hits, more
    sums = torch.zeros(len(objectives), widest, dtype=torch.float64, device=engine.ranks.device)
    noted = dict[str, Tensor]()
    for number, batch in enumerate(window.batches, start=1):
        masks = seed_dropout(seed, window.step, number, engine.ranks)
        rows = batch.to(engine.ranks.device)
        attack = MicroBatch(engine, rows, window, objectives, adversary, (seed, masks))
        told, news = _learn(engine, attack, adversary, last=number == len(window.batches))
        sums += told
        noted = {name: noted.get(name, 0) + value.double() for name, value in news.items()}
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
        noted=_over_ranks(engine.ranks, noted) if adversary else {},
    )


def _learn(
    engine: Engine, attack: MicroBatch, adversary: Adversary | None, last: bool
) -> tuple[Tensor, Mapping[str, Tensor]]:
    """Add one micro-batch's gradient; its sums (objectives, 2 + more), and what an adversary notes."""
    for part in adversary.passes(attack) if adversary else plain(attack):
        engine.backward(_honest(part.loss), last=part.last and last)
    noted = part.noted
    if adversary and adversary.examines(attack.step):
        noted = {**noted, **examine(adversary, attack, part)}
    return part.said.sums(), noted


def seed_dropout(seed: int, step: int, micro_batch: int, ranks: Ranks) -> int:
    """Make dropout, too, a function of the step, and of the micro-batch's number over all ranks."""
    masks = torch_seed(seed, "dropout", step, micro_batch * ranks.world + ranks.number)
    torch.manual_seed(masks)
    return masks


def _over_ranks(ranks: Ranks, noted: Mapping[str, Tensor]) -> dict[str, float]:
    """Sums over all ranks, by name; and one step."""
    sums = ranks.total(torch.stack([*noted.values()])).tolist() if noted else []
    return {**dict(zip(noted, sums, strict=True)), "adversarial_steps": 1.0}


def _honest(loss: Tensor) -> Tensor:
    """The loss; one that is not finite also gets a gradient that is not, on whichever rank it arose.

    The reduced gradient then tells every rank the same story, and all of them skip the step, or none.
    """
    return loss * (1 + 0 * loss.detach())
