"""What an objective reads and returns, and the loss that the objectives over pairs of segments share."""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.batch import NO_PAIR, Batch


class Detections(NamedTuple):
    """What a discriminator says of real tokens, row after row, and what is true of them."""

    logits: Tensor  # (tokens,) that a token is not the text's
    replaced: Tensor  # (tokens,) bool: it is not
    drawn: Tensor  # (masked,) what was filled in


class Outputs(NamedTuple):
    """What the network says of one micro-batch."""

    tokens: Tensor  # (masked, vocab) logits at the positions to predict
    pairs: Tensor | None  # (batch, 2) logits: B follows A, or does not; None without such a head
    detections: Detections | None = None  # None without a discriminator


class Term(NamedTuple):
    """One objective over one micro-batch: sums, so that any number of micro-batches add up to the window."""

    loss: Tensor  # scalar, float32: nats
    hits: Tensor  # scalar: right predictions
    more: tuple[Tensor, ...] = ()  # scalars: what else the objective counts, by the names in its `counted`

    def sums(self) -> Tensor:
        """Loss, hits and more as numbers to report, (2 + more,) float64, cut off from the graph."""
        return torch.stack([number.detach().double() for number in (self.loss, self.hits, *self.more)])


class Asked(Settings):
    """What all objectives answer, beside `term`, `count` and `predictions`."""

    counted: ClassVar[tuple[str, ...]] = ()
    """What a term counts beside its loss and hits."""

    def figures(self, sums: Mapping[str, float], count: float) -> dict[str, float]:
        """Figures to log, from sums of `counted` and the denominator."""
        return {}


def pair_term(name: str, outputs: Outputs, batch: Batch) -> Term:
    """Cross-entropy of the objective `name` over the rows that carry a pair label.

    Raises:
        UsageError: the network has no sentence-pair head.
    """
    if outputs.pairs is None:
        raise UsageError(
            f"objective {name!r} needs a network with a sentence-pair head: model type 'bert' has one"
        )
    logits = outputs.pairs.float()
    loss = cross_entropy(logits, batch.pair_labels, reduction="sum", ignore_index=NO_PAIR)
    return Term(loss, (logits.detach().argmax(-1) == batch.pair_labels).sum())


def pair_predictions(outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (rows, 2) of the rows that carry a pair label, and which rows these are."""
    rows = (batch.pair_labels != NO_PAIR).nonzero().squeeze(1)
    return (rows.new_zeros(0, 2).float() if outputs.pairs is None else outputs.pairs[rows]), rows
