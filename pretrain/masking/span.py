"""Span masking: hide runs of whole words of geometric length (SpanBERT, arXiv:1907.10529, section 3.1)."""

from typing import Annotated, Literal

from pydantic import Field

from pretrain.masking.strategy import WordStrategy


class SpanMasking(WordStrategy):
    """Runs of neighbouring words: long ones, 3.8 words on average before the budget cuts the last of a row.

    SpanBERT also draws once for a whole span what stands there: replacement `bert` with `per: run`. Its
    second objective, to predict a span from its borders, is not a matter of masking.

    >>> [round(weight, 3) for weight in SpanMasking(longest=3).weights]
    [0.2, 0.16, 0.128]
    """

    strategy: Literal["span"] = "span"
    """Hide runs of whole words of geometric length."""

    stop: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Chance that a run ends after each of its words: the paper's p."""

    longest: Annotated[int, Field(ge=1, le=512)] = 10
    """Most words of a run. What the geometric distribution has beyond it is shared out over the shorter ones,
    in proportion, as in the released code."""

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of runs of 1, 2, 3, ... words."""
        return tuple(self.stop * (1 - self.stop) ** before for before in range(self.longest))
