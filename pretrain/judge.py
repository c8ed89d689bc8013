"""What a model of `transformers` says of a batch with labels, judged by its own loss."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from pretrain.adversarial.attack import Constant
from pretrain.adversarial.divergences import kl, symmetric_kl

IGNORED = -100
"""The label of a token that does not count, as everywhere in `transformers`."""

HEADS = ("logits", "start_logits", "end_logits")
"""Where a model's outputs hold its predictions."""

Said = Any
"""A `ModelOutput`."""


class ModelJudge:
    """Of the outputs of any classifier: of rows, of tokens, of the two ends of an answer; or a regression.

    Predictions are compared by KL divergence over the classes (over the positions, for an answer's ends), a
    mean over rows, or over the tokens that have a label; numbers by their squared difference.
    """

    def __init__(self, batch: Mapping[str, Tensor], loss: Callable[[Said], Tensor] | None = None) -> None:
        """`loss` of the outputs, where it is not the model's own."""
        self._labels, self._loss = batch.get("labels"), loss

    def loss(self, said: Said) -> Tensor:
        """That of the labels that the model was called with."""
        loss: Tensor = self._loss(said) if self._loss else said.loss
        return loss

    def divergence(self, target: Said, said: Said) -> Tensor:
        """KL(target || said); the target is constant."""
        return self._apart(target, said, kl, "first")

    def symmetric(self, one: Said, other: Said, constant: Constant = "each") -> Tensor:
        """KL(one || other) + KL(other || one)."""
        return self._apart(one, other, lambda p, q: symmetric_kl(p, q, constant), constant)

    def _apart(
        self, one: Said, other: Said, divergence: Callable[[Tensor, Tensor], Tensor], constant: Constant
    ) -> Tensor:
        """The mean over what is predicted, added up over the model's heads."""
        heads = [(self._rows(one[head]), self._rows(other[head])) for head in HEADS if head in other]
        return sum(
            (squares(p, q, constant) if p.shape[-1] == 1 else divergence(p, q)) / max(len(p), 1)
            for p, q in heads
        )  # type: ignore[return-value]  # there is a head, and so no plain 0

    def _rows(self, logits: Tensor) -> Tensor:
        """(rows, classes): those of tokens only where there is a label."""
        if logits.dim() < 3:
            return logits
        return logits.flatten(0, 1) if self._labels is None else logits[self._labels != IGNORED]


def squares(one: Tensor, other: Tensor, constant: Constant = "none") -> Tensor:
    """The squared difference of predicted numbers, summed, in float32."""
    return ((one.detach() if constant == "first" else one).float() - other.float()).square().sum()
