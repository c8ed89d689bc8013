"""Classification: one text, exactly one of several classes (ChnSentiCorp, THUCNews, SST-2, ...)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from corpora.settings import Settings
from pretrain.finetuning.metrics import Measures, accuracy, macro_f1


class Classification(Settings):
    """Cross-entropy on the network's class scores; accuracy first, macro F1 beside it."""

    task: Literal["classification"] = "classification"
    """One text in, one of several classes out."""

    @property
    def chooses_by(self) -> str:
        """The measure on dev rows (higher is better) by which an epoch, and the model to keep, are chosen."""
        return "accuracy"

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of `logits` (batch, classes) against `labels` (batch,)."""
        return functional.cross_entropy(logits.float(), labels)

    def answers(self, logits: NDArray[np.float32]) -> NDArray[np.int64]:
        """The likeliest class of each row of `logits` (rows, classes); the first one of equals."""
        best: NDArray[np.int64] = logits.argmax(axis=1)
        return best

    def measures(self, truth: NDArray[np.int64], answers: NDArray[np.int64]) -> Measures:
        """Scores of `answers` (rows,) by name, each 0..1."""
        return {"accuracy": accuracy(truth, answers), "macro_f1": macro_f1(truth, answers)}
