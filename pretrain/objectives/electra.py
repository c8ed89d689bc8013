"""Replaced token detection: which tokens are the generator's? (ELECTRA, arXiv:2003.10555, section 2)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from corpora.errors import MaskwrightError
from pretrain.batch import Batch, Window
from pretrain.objectives.terms import Asked, Outputs, Term


class Electra(Asked):
    """Binary cross-entropy over every token that is not padding, beside the generator's objective `mlm`."""

    counted: ClassVar[tuple[str, ...]] = ("asked", "replaced", "suspected", "found")
    """Positions to predict; tokens that are not the text's; tokens taken for such; and rightly so."""

    weight: Annotated[float, Field(ge=0)] = 50.0
    """Factor of this term in the loss, lambda: 50 is ELECTRA's. Both terms are means, this over tokens."""

    temperature: Annotated[float, Field(gt=0)] = 1.0
    """The generator's tokens are drawn from softmax(logits / temperature)."""

    disallow_correct: bool = False
    """Never draw the token that stood there: every position to predict is then replaced."""

    def term(self, outputs: Outputs, batch: Batch) -> Term:
        """Loss and hits, summed over (tokens,); in float32 whatever the logits are."""
        if outputs.detections is None:
            raise MaskwrightError("objective 'electra' was asked of a network without a discriminator")
        logits, replaced, _ = outputs.detections
        loss = binary_cross_entropy_with_logits(logits.float(), replaced.float(), reduction="sum")
        suspected = logits.detach() > 0
        asked = torch.tensor(len(batch.masked_targets), device=logits.device)
        more = (asked, replaced.sum(), suspected.sum(), (suspected & replaced).sum())
        return Term(loss, (suspected == replaced).sum(), more)

    def predictions(self, outputs: Outputs, batch: Batch) -> tuple[Tensor, Tensor] | None:
        """Logits (tokens, 2) of every real token, that it was replaced or not, and the row of each."""
        if outputs.detections is None:
            return None
        logits = outputs.detections.logits
        return torch.stack([logits, torch.zeros_like(logits)], -1), batch.attention_mask.nonzero()[:, 0]

    def count(self, window: Window) -> int:
        """The denominator: tokens of the whole window that are not padding, over all ranks."""
        return window.real_tokens

    def figures(self, sums: Mapping[str, float], count: float) -> dict[str, float]:
        """How often the generator's draw is right, and how well the rest is found, from sums of `counted`.

        A share of nothing is left out.
        """
        asked, replaced, suspected, found = (sums[name] for name in self.counted)
        shares = {
            "replaced_share": (replaced, count),
            "sampled_accuracy": (asked - replaced, asked),
            "precision": (found, suspected),
            "recall": (found, replaced),
        }
        return {name: part / whole for name, (part, whole) in shares.items() if whole}
