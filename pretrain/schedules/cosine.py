"""Half a cosine wave down."""

import math
from typing import Annotated, Literal

from pydantic import Field

from pretrain.schedules.warmup import Warmed


class Cosine(Warmed):
    """Half a cosine wave (arXiv:1608.03983, equation 5, without restarts)."""

    name: Literal["cosine"] = "cosine"
    """Half a cosine wave down."""

    end: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the peak that it comes down to."""

    def decay(self, done: float, total: float) -> float:
        """1 at first, `end` after the last update."""
        return self.end + (1 - self.end) * (1 + math.cos(math.pi * done / total)) / 2
