"""Classification of one text or of a pair: exactly one of several classes (ChnSentiCorp, XNLI, SST-2)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from corpora.labelled import Kind, Row
from corpora.settings import Items
from corpora.stage import JSON
from pretrain.finetuning import metrics
from pretrain.finetuning.examples import Examples
from pretrain.finetuning.metrics import Classes, Measures
from pretrain.finetuning.tasks.task import Said, TaskSettings
from pretrain.finetuning.windows import Window, whole
from tokenization.vocabulary import Tokenizer

Metric = Literal["accuracy", "macro_f1", "f1", "matthews"]

MEASURES: Mapping[Metric, Callable[[Classes, Classes], float]] = {
    "accuracy": metrics.accuracy,
    "macro_f1": metrics.macro_f1,
    "f1": metrics.f1,
    "matthews": metrics.matthews,
}


class Classification(TaskSettings):
    """Cross-entropy on the network's class scores.

    A row longer than the model is cut: its beginning is read, of a pair the longer text is cut. That is how
    all published figures were made.
    """

    learns_from: ClassVar[Kind] = "classes"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    pipeline: ClassVar[str] = "text-classification"

    task: Literal["classification"] = "classification"
    """One text or a pair in, one of several classes out."""

    metrics: Items[Metric] = ("accuracy", "macro_f1")
    """What is measured; the first one chooses the epoch. f1: of the last class (MRPC, QQP); matthews: the
    correlation coefficient (CoLA)."""

    def outputs(self, labels: tuple[str, ...]) -> Mapping[str, JSON]:
        """One for each class; their names travel with the network."""
        return {
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
        }

    def encode(
        self, rows: Sequence[Row], labels: tuple[str, ...], tokenizer: Tokenizer, length: int
    ) -> Examples[Window]:
        """One window a row, its class beside it (-100 where it is not known)."""
        numbers = [np.array(-100 if row.label is None else row.label, dtype=np.int64) for row in rows]
        windows = tuple(whole(rows, tokenizer, length))
        return Examples(tuple(rows), windows, tuple(numbers), labels, labels, tokenizer.pad_token_id)

    def loss(self, said: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of `said` (batch, classes) against `labels` (batch,)."""
        return functional.cross_entropy(said.float(), labels)

    def choices(self, said: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """One a row."""
        return (said,)

    def answers(self, said: Said, examples: Examples[Any]) -> list[JSON]:
        """The number of the likeliest class of each row; the first one of equals."""
        return [int(scores.argmax()) for scores in said]

    def truth(self, rows: Sequence[Row]) -> list[JSON]:
        """The numbers of the classes."""
        return [row.label for row in rows]

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        """Each of `metrics`."""
        truth = np.array([row.label for row in rows], dtype=np.int64)
        found = np.array(answers, dtype=np.int64)
        return {name: MEASURES[name](truth, found) for name in self.metrics}

    def predictions(self, said: Said, examples: Examples[Any]) -> list[dict[str, JSON]]:
        """The class, and its probability."""
        chances = [torch.from_numpy(scores).softmax(-1) for scores in said]
        return [
            {"label": examples.names[int(one.argmax())], "score": round(float(one.max()), 6)}
            for one in chances
        ]

    def shown(self, answer: JSON, row: Row, labels: tuple[str, ...]) -> str:
        """The name of the class."""
        return labels[answer]
