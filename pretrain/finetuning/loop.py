"""The fine-tuning loop: one network, one seed, one device; order and dropout depend on (seed, step) alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from corpora.errors import Diverged
from corpora.reporter import Reporter
from pretrain.adversarial_training import AdversarialTraining
from pretrain.finetuning.examples import Examples, by_length, epoch_order
from pretrain.finetuning.learning import learn
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Task
from pretrain.optimizers import set_rate
from pretrain.schedules import Linear

PATIENCE = 5
"""Steps in a row without a finite loss and gradient after which a run is given up."""

SCORED_AT_ONCE = 128
"""Rows a batch when nothing is learnt."""


@dataclass(frozen=True)
class Fitted:
    """How one run went; the network holds the weights after epoch `chosen`."""

    losses: tuple[float, ...]  # mean training loss of each epoch
    dev: tuple[Measures, ...]  # dev measures after each epoch; empty without dev rows
    chosen: int  # epoch, from 0
    skipped: int  # steps that were not applied, their loss or gradient not being finite
    passes: float  # of plain training (a forward and a backward pass) that a step cost, the mean over steps


def fit(
    network: nn.Module,
    train: Examples[Any],
    dev: Examples[Any],
    config: Finetune,
    seed: int,
    reporter: Reporter,
    what: str,
    special_ids: Sequence[int] = (),
) -> Fitted:
    """Train `network` in place and leave it at the epoch that did best on `dev` (without dev rows, the last).

    `special_ids` are the tokenizer's, for adversaries that treat special tokens differently.

    Raises:
        Diverged: `PATIENCE` steps in a row, or a whole epoch, had no finite loss and gradient.
        Interrupted: the reporter was asked to stop.
    """
    per_epoch = math.ceil(len(train) / config.batch)
    total = per_epoch * config.epochs
    optimizer = config.adam().build(network)
    schedule = Linear(warmup_steps=math.ceil(total * config.warmup))
    losses = np.full(total, np.nan)  # of the updates that were applied
    precision = torch.bfloat16 if config.speed.precision == "bf16" else None
    training = AdversarialTraining(network, config.adversarial, special_ids, total, seed, precision)
    scores: list[Measures] = []
    best: dict[str, Tensor] = {}
    network.train()
    for step, rows in enumerate(reporter.track(_walk(train, config, seed), what, total, "steps")):
        lr = config.lr * schedule.factor(int(np.isfinite(losses).sum()), total)
        batches = [train.batch(some) for some in _micro_batches(rows, config)]
        updates = learn(training, config.task, batches, step, seed)
        applied = [loss for loss in updates if update(network, optimizer, lr, config.clip, loss)]
        if applied:
            losses[step] = np.mean(applied)
        _check_finite(losses[: step + 1], min(PATIENCE, per_epoch), what)
        if len(dev) and (step + 1) % per_epoch == 0:
            scores.append(measured(network, dev, config.task))
            if best_of(scores, config.task) == len(scores) - 1:
                best = {name: weight.clone() for name, weight in network.state_dict().items()}
            if config.patience and len(scores) - best_of(scores, config.task) > config.patience:
                losses = losses[: step + 1]
                break
    if best:
        network.load_state_dict(best)
    means = np.nanmean(losses.reshape(-1, per_epoch), axis=1)
    chosen = best_of(scores, config.task) if scores else config.epochs - 1
    skipped, passes = int(np.isnan(losses).sum()), training.cost / len(losses)
    return Fitted(tuple(means.tolist()), tuple(scores), chosen, skipped, passes)


def update(network: nn.Module, optimizer: torch.optim.Optimizer, lr: float, clip: float, loss: float) -> bool:
    """Clip and apply the gradients, then clear them; if something is not finite, apply nothing: False."""
    norm = nn.utils.clip_grad_norm_(network.parameters(), clip or math.inf)
    if finite := math.isfinite(loss) and math.isfinite(norm.item()):
        set_rate(optimizer, lr)
        optimizer.step()
    optimizer.zero_grad()
    return finite


def measured(network: nn.Module, examples: Examples[Any], task: Task) -> Measures:
    """The scores of the network's answers to `examples`."""
    answers = task.answers(predict(network, examples, task), examples)
    return task.measures(examples.rows, answers, examples.known)


def predict(network: nn.Module, examples: Examples[Any], task: Task) -> list[NDArray[np.float32]]:
    """What the network says of every window, in the order of `examples`, pads behind it; no dropout."""
    device = next(network.parameters()).device
    batches = by_length(examples.lengths(), SCORED_AT_ONCE)
    training = network.training
    network.eval()
    found: dict[int, NDArray[np.float32]] = {}
    with torch.inference_mode():
        for numbers in batches:
            batch = examples.batch(numbers)
            said = task.said(network(**batch.inputs(device)), batch).cpu().numpy()
            for number, one in zip(numbers, said, strict=True):
                found[int(number)] = one
    network.train(training)
    return [found[number] for number in range(len(examples))]


def best_of(scores: Sequence[Measures], task: Task) -> int:
    """Which of `scores` is best by the measure that `task` chooses by; the first of equals."""
    return int(np.argmax([score[task.chooses_by] for score in scores]))


def _walk(train: Examples[Any], config: Finetune, seed: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers of every batch of every epoch."""
    lengths = train.lengths()
    for epoch in range(config.epochs):
        yield from epoch_order(lengths, config.batch, seed, epoch)


def _micro_batches(rows: NDArray[np.int64], config: Finetune) -> list[NDArray[np.int64]]:
    """The rows of a step, by what is run at once."""
    size = config.speed.micro_batch or len(rows)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _check_finite(losses: NDArray[np.float64], patience: int, what: str) -> None:
    if len(losses) >= patience and np.isnan(losses[-patience:]).all():
        raise Diverged(
            f"{what}: the last {patience} steps up to step {len(losses)} had no finite loss and gradient; "
            "lower `lr`, or lengthen `warmup`"
        )
