"""One over the square root of the updates."""

import math
from typing import Annotated, Literal

from pydantic import Field

from pretrain.schedules.warmup import Warmed


class InverseSqrt(Warmed):
    """Noam's decay (arXiv:1706.03762, equation 3): it needs no last update, so a run may be made longer.

    >>> InverseSqrt(warmup_steps=100).factor(400, 500)
    0.5
    """

    name: Literal["inverse_sqrt"] = "inverse_sqrt"
    """One over the square root of the updates; knows no end."""

    timescale: Annotated[int, Field(ge=1)] | None = None
    """Updates after the peak in which the rate falls to 0.71 of it; left out, warmup_steps, or 10,000 without
    a warm-up (as in transformers)."""

    def decay(self, done: float, total: float) -> float:
        """1 at first, 1/2 after three times the timescale; `total` does not matter."""
        timescale = self.timescale or self.warmup_steps or 10_000
        return 1 / math.sqrt(1 + done / timescale)
