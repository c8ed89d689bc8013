"""What every task of fine-tuning answers: head, labels, loss, answers, scores."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator
from torch import Tensor

from corpora.labelled import Kind, Row
from corpora.settings import Settings
from corpora.stage import JSON
from pretrain.adversarial.attack import Constant
from pretrain.adversarial.divergences import kl, symmetric_kl
from pretrain.finetuning.examples import Examples, LabelledBatch
from pretrain.finetuning.metrics import Measures
from tokenization.vocabulary import Tokenizer

Said: TypeAlias = Sequence[NDArray[np.float32]]
"""What a network says of each window; of pads, too, which stand behind the window's tokens."""


class TaskSettings(Settings):
    """Base of the tasks. A member adds its `task`, its `metrics`, and the methods that raise here.

    What a network says is one tensor, `said`, whatever the head: rows stand first, classes last.
    """

    learns_from: ClassVar[Kind]
    head: ClassVar[str]  # the class of `transformers` that builds the network
    pipeline: ClassVar[str]  # what `transformers` calls the task
    windows: ClassVar[bool] = False  # long rows are read in windows, not cut

    @property
    def opened_by(self) -> str:
        """A line of Python that opens the result."""
        return f'transformers.pipeline("{self.pipeline}", model="model")'

    @field_validator("metrics", check_fields=False)
    @classmethod
    def _some_once(cls, metrics: tuple[str, ...]) -> tuple[str, ...]:
        if not metrics or len(set(metrics)) < len(metrics):
            raise ValueError(f"got {list(metrics)}; name at least one, each once, the one that chooses first")
        return metrics

    @property
    def chooses_by(self) -> str:
        """The measure on dev rows (higher is better) by which an epoch, and the model to keep, are chosen."""
        chosen: str = self.metrics[0]  # type: ignore[attr-defined]
        return chosen

    def outputs(self, labels: tuple[str, ...]) -> Mapping[str, JSON]:
        """What the network's configuration says of its head, where the data have these labels."""
        raise NotImplementedError

    def check(self, rows: Sequence[Row]) -> None:
        """Refuse rows that cannot be learnt from, before any work.

        Raises:
            BadData: there is one.
        """

    def remarks(self, examples: Examples[Any]) -> Iterator[str]:
        """What a person should know of the rows to learn from."""
        yield from ()

    def encode(
        self, rows: Sequence[Row], labels: tuple[str, ...], tokenizer: Tokenizer, length: int
    ) -> Examples[Any]:
        """The rows in tokens, and what there is to learn of each.

        Raises:
            BadData: what a row is labelled with cannot be learnt.
            UsageError: the settings leave no room for the text.
        """
        raise NotImplementedError

    def said(self, outputs: Any, batch: LabelledBatch) -> Tensor:  # noqa: ANN401 - differs by head
        """What the network says, (batch, ...) float32, of its outputs for a batch."""
        logits: Tensor = outputs.logits
        return logits.float()

    def loss(self, said: Tensor, labels: Tensor) -> Tensor:
        """The mean loss over all that counts."""
        raise NotImplementedError

    def count(self, labels: Tensor) -> int:
        """How much counts in a batch: what the mean of its loss was divided by."""
        return len(labels)

    def choices(self, said: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """The distributions that count, as logits: each (distributions, classes)."""
        raise NotImplementedError

    def divergence(self, target: Tensor, said: Tensor, labels: Tensor) -> Tensor:
        """KL(target || said), the mean over all that counts; the target is constant."""
        pairs = zip(self.choices(target, labels), self.choices(said, labels), strict=True)
        return sum_of([kl(one, other) / max(len(one), 1) for one, other in pairs])

    def symmetric(self, one: Tensor, other: Tensor, labels: Tensor, constant: Constant = "each") -> Tensor:
        """KL(one || other) + KL(other || one), likewise."""
        pairs = zip(self.choices(one, labels), self.choices(other, labels), strict=True)
        return sum_of([symmetric_kl(first, second, constant) / max(len(first), 1) for first, second in pairs])

    def answers(self, said: Said, examples: Examples[Any]) -> list[JSON]:
        """The answer to each row, such as a file holds it."""
        raise NotImplementedError

    def truth(self, rows: Sequence[Row]) -> list[JSON]:
        """The right answers, in the same form."""
        raise NotImplementedError

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        """Scores of the answers by name, `metrics` first; those with a "/" in their names are details."""
        raise NotImplementedError

    def predictions(self, said: Said, examples: Examples[Any]) -> list[dict[str, JSON]]:
        """All that is found in each row, for a person or a program that knows nothing of our numbers."""
        raise NotImplementedError

    def shown(self, answer: JSON, row: Row, labels: tuple[str, ...]) -> str:
        """An answer as a person reads it in a table."""
        raise NotImplementedError


def sum_of(terms: Sequence[Tensor]) -> Tensor:
    """The sum of at least one tensor."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first
