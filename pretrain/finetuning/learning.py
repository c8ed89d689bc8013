"""The gradient of one batch: its micro-batches one after the other, each by the passes of an adversary."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import torch
from torch import Tensor

from pretrain.adversarial.attack import Constant, Pass
from pretrain.adversarial_training import AdversarialTraining
from pretrain.finetuning.examples import LabelledBatch
from pretrain.finetuning.tasks import Task
from pretrain.randomness import torch_seed


@dataclass(frozen=True)
class TaskJudge:
    """What is said of a micro-batch, judged by the task: its part of the mean over the whole batch."""

    task: Task
    labels: Tensor
    share: float  # of what counts in the whole batch

    def loss(self, said: Tensor) -> Tensor:
        """The task's loss."""
        return self.task.loss(said, self.labels) * self.share

    def divergence(self, target: Tensor, said: Tensor) -> Tensor:
        """KL(target || said), or what stands for it; the target is constant."""
        return self.task.divergence(target, said, self.labels) * self.share

    def symmetric(self, one: Tensor, other: Tensor, constant: Constant = "each") -> Tensor:
        """The same in both directions."""
        return self.task.symmetric(one, other, self.labels, constant) * self.share


def learn(
    training: AdversarialTraining, task: Task, batches: Sequence[LabelledBatch], step: int, seed: int
) -> Iterator[float]:
    """Accumulate the gradient of a batch, given as micro-batches; its loss, each time an update is due.

    That is once, unless the adversary updates after every pass. Dropout depends on (seed, step, micro-batch).
    """
    each = training.adversary is not None and training.adversary.updates_each_pass
    walks = _walks(training, task, batches, step)
    for part in count(0, len(batches)):
        loss, last = 0.0, True
        for number, walk in enumerate(walks):
            torch.manual_seed(torch_seed(seed, "dropout", step, part + number))
            for one in walk:
                one.loss.backward()  # type: ignore[no-untyped-call]
                loss, last = loss + one.loss.item(), one.last
                if each:
                    break
        yield loss
        if last:
            return


def _walks(
    training: AdversarialTraining, task: Task, batches: Sequence[LabelledBatch], step: int
) -> list[Iterator[Pass[Tensor]]]:
    """The passes of each micro-batch, none of them run yet."""
    counts = [task.count(batch.labels) for batch in batches]
    device = next(training.model.parameters()).device
    walks, row = list[Iterator[Pass[Tensor]]](), 0
    for batch, counted in zip(batches, counts, strict=True):
        judge = TaskJudge(task, batch.labels.to(device), counted / max(sum(counts), 1))
        walks.append(_passes(training, judge, batch, step, row))
        row += len(batch.input_ids)
    return walks


def _passes(
    training: AdversarialTraining, judge: TaskJudge, batch: LabelledBatch, step: int, row: int
) -> Iterator[Pass[Tensor]]:
    inputs = batch.inputs(judge.labels.device)

    def run() -> Tensor:
        return judge.task.said(training.model(**inputs), batch)

    return training.passes(run, judge, inputs, step, row)
