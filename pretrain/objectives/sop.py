"""Sentence order: were the two segments swapped? (ALBERT, arXiv:1909.11942, section 3.1)."""

from typing import Annotated

from pydantic import Field
from torch.nn.functional import cross_entropy

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.objectives.terms import Outputs, Term


class Sop(Settings):
    """Cross-entropy over the rows with two segments. A row with one is left out."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of this term in the loss."""

    def term(self, outputs: Outputs, batch: Batch) -> Term:
        """Loss and hits, summed over the rows of (batch,) that carry a label."""
        if outputs.pairs is None:
            raise UsageError(
                "objective 'sop' needs a network with a sentence-pair head: model type 'bert' has one"
            )
        logits = outputs.pairs.float()
        loss = cross_entropy(logits, batch.pair_labels, reduction="sum", ignore_index=NO_PAIR)
        return Term(loss, (logits.detach().argmax(-1) == batch.pair_labels).sum())

    def count(self, window: Window) -> int:
        """The denominator: labelled rows in the whole window, over all ranks."""
        return window.pair_total
