"""Regression: a number for a text or a pair, such as how alike two sentences are (STS-B)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from corpora.labelled import Kind, Row
from corpora.settings import Items
from corpora.stage import JSON
from pretrain.adversarial.attack import Constant
from pretrain.finetuning import metrics
from pretrain.finetuning.examples import Examples, LabelledBatch
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.tasks.task import Said, TaskSettings
from pretrain.finetuning.windows import Window, whole
from tokenization.vocabulary import Tokenizer

Metric = Literal["pearson", "spearman"]

MEASURES: Mapping[Metric, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "pearson": metrics.pearson,
    "spearman": metrics.spearman,
}


class Regression(TaskSettings):
    """Squared error of the network's only output, the labels taken as they are. Longer rows are cut."""

    learns_from: ClassVar[Kind] = "values"
    head: ClassVar[str] = "AutoModelForSequenceClassification"
    pipeline: ClassVar[str] = "text-classification"

    task: Literal["regression"] = "regression"
    """One text or a pair in, a number out."""

    metrics: Items[Metric] = ("pearson", "spearman")
    """What is measured, both as correlations with the right numbers; the first one chooses the epoch."""

    def outputs(self, labels: tuple[str, ...]) -> Mapping[str, JSON]:
        """One number."""
        return {"num_labels": 1, "problem_type": "regression"}

    def encode(
        self, rows: Sequence[Row], labels: tuple[str, ...], tokenizer: Tokenizer, length: int
    ) -> Examples[Window]:
        """One window a row, its number beside it (NaN where it is not known)."""
        values = [np.array(np.nan if row.label is None else row.label, dtype=np.float32) for row in rows]
        windows = tuple(whole(rows, tokenizer, length))
        return Examples(tuple(rows), windows, tuple(values), labels, labels, tokenizer.pad_token_id)

    def said(self, outputs: Any, batch: LabelledBatch) -> Tensor:  # noqa: ANN401 - differs by head
        """The numbers, (batch,)."""
        return super().said(outputs, batch).squeeze(-1)

    def loss(self, said: Tensor, labels: Tensor) -> Tensor:
        """Mean squared error."""
        return functional.mse_loss(said.float(), labels.float())

    def divergence(self, target: Tensor, said: Tensor, labels: Tensor) -> Tensor:
        """The mean squared difference (SMART, arXiv:1911.03437, section 3.1); the target is constant."""
        return functional.mse_loss(said.float(), target.detach().float())

    def symmetric(self, one: Tensor, other: Tensor, labels: Tensor, constant: Constant = "each") -> Tensor:
        """The mean squared difference; its gradient is the same whichever side is constant in its turn."""
        first = one.detach() if constant == "first" else one
        return functional.mse_loss(other.float(), first.float())

    def answers(self, said: Said, examples: Examples[Any]) -> list[JSON]:
        """The number of each row."""
        return [float(value) for value in said]

    def truth(self, rows: Sequence[Row]) -> list[JSON]:
        """The right numbers."""
        return [row.label for row in rows]

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        """Each of `metrics`."""
        truth = np.array([row.label for row in rows], dtype=np.float64)
        found = np.array(answers, dtype=np.float64)
        return {name: MEASURES[name](truth, found) for name in self.metrics}

    def predictions(self, said: Said, examples: Examples[Any]) -> list[dict[str, JSON]]:
        """The number."""
        return [{"value": round(float(value), 6)} for value in said]

    def shown(self, answer: JSON, row: Row, labels: tuple[str, ...]) -> str:
        """The number, to a thousandth."""
        return f"{answer:.3f}"
