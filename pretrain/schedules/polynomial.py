"""A power of the way that is left."""

import math
from typing import Annotated, Literal

from pydantic import Field

from pretrain.schedules.warmup import Warmed


class Polynomial(Warmed):
    """A power of the way that is left: TensorFlow's `polynomial_decay`, of power 1 BERT's line."""

    name: Literal["polynomial"] = "polynomial"
    """A power of the way that is left."""

    power: Annotated[float, Field(gt=0)] = 1.0
    """1: a straight line; below 1 it stays up longer (CamemBERTa v2: 0.5), above 1 it comes down sooner."""

    end: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the peak that it comes down to."""

    def decay(self, done: float, total: float) -> float:
        """1 at first, `end` after the last update."""
        return self.end + (1 - self.end) * math.pow(1 - done / total, self.power)
