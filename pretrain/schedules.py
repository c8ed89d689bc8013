"""Learning rates: a share of the peak as a pure function of how many updates were applied before.

The first update already moves (warm-up gives 1/W, not 0) and so does the last: no step is computed in vain.
"""

import math
from typing import Annotated, Literal

from pydantic import Field

from corpora.settings import Settings, named

WarmUp = Annotated[int, Field(ge=0)]


def _warm(update: int, warmup_steps: int) -> float:
    return min(1.0, (update + 1) / max(warmup_steps, 1))


def _progress(update: int, warmup_steps: int, total: int) -> float:
    """0 where the warm-up ends, 1 after the last update."""
    return max(0, update - warmup_steps) / max(1, total - warmup_steps)


class Linear(Settings):
    """Linear warm-up to the peak, then a straight line towards zero (arXiv:1907.11692, section 3.1)."""

    name: Literal["linear"] = "linear"
    """Straight down after the warm-up."""

    warmup_steps: WarmUp = 0
    """Updates until the peak is reached."""

    def factor(self, update: int, total: int) -> float:
        """Share of the peak for update number `update` (from 0) of `total`."""
        return _warm(update, self.warmup_steps) * (1 - _progress(update, self.warmup_steps, total))


class Cosine(Settings):
    """Linear warm-up, then half a cosine wave towards zero (arXiv:1608.03983, without restarts)."""

    name: Literal["cosine"] = "cosine"
    """Half a cosine wave after the warm-up."""

    warmup_steps: WarmUp = 0
    """Updates until the peak is reached."""

    def factor(self, update: int, total: int) -> float:
        """Share of the peak for update number `update` (from 0) of `total`."""
        wave = (1 + math.cos(math.pi * _progress(update, self.warmup_steps, total))) / 2
        return _warm(update, self.warmup_steps) * wave


class Constant(Settings):
    """Linear warm-up, then the peak for ever."""

    name: Literal["constant"] = "constant"
    """Flat after the warm-up."""

    warmup_steps: WarmUp = 0
    """Updates until the peak is reached."""

    def factor(self, update: int, total: int) -> float:
        """Share of the peak for update number `update` (from 0) of `total`."""
        return _warm(update, self.warmup_steps)


Schedule = Annotated[Linear | Cosine | Constant, Field(discriminator="name"), named("name")]
