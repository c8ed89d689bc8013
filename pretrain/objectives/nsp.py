"""Next sentence: does B follow A, or is it of another document? (BERT, arXiv:1810.04805, section 3.1)."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from pretrain.batch import Batch, Window
from pretrain.objectives.terms import Asked, Outputs, Term, pair_predictions, pair_term


class Nsp(Asked):
    """Cross-entropy over the rows with two segments. Which B is of another document, the token set says."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of this term in the loss."""

    def term(self, outputs: Outputs, batch: Batch) -> Term:
        """Loss and hits, summed over the rows of (batch,) that carry a label."""
        return pair_term("nsp", outputs, batch)

    def predictions(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Logits (rows, 2) of the rows that carry a label, and which rows these are."""
        return pair_predictions(outputs, batch)

    def count(self, window: Window) -> int:
        """The denominator: labelled rows in the whole window, over all ranks."""
        return window.pair_total
