"""Masked language modelling: which tokens stood at the chosen positions? (BERT, arXiv:1810.04805, 3.1)."""

from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from pretrain.batch import Batch, Window
from pretrain.objectives.terms import Asked, Outputs, Term


class Mlm(Asked):
    """Cross-entropy over all positions to predict: masked, replaced and kept ones alike."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of this term in the loss."""

    def term(self, outputs: Outputs, batch: Batch) -> Term:
        """Loss and hits, summed over (masked,); in float32 whatever the logits are."""
        loss = cross_entropy(outputs.tokens.float(), batch.masked_targets, reduction="sum")
        return Term(loss, (outputs.tokens.detach().argmax(-1) == batch.masked_targets).sum())

    def predictions(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Logits (masked, vocab), and the row of each; none of a generator, which is not what is attacked."""
        if outputs.detections is not None:
            return None
        return outputs.tokens, batch.masked_positions // batch.input_ids.shape[1]

    def count(self, window: Window) -> int:
        """The denominator: positions to predict in the whole window, over all ranks."""
        return window.masked_total
