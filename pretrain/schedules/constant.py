"""The peak, with a way down at the end if asked."""

from typing import Annotated, Literal

from pydantic import Field

from pretrain.schedules.warmup import Warmed


class Constant(Warmed):
    """The peak to the end, or down from it in a cool-down (arXiv:2405.18392: as good as cosine).

    Any checkpoint before the cool-down can be forked into a longer run, which keeps its rate.
    """

    name: Literal["constant"] = "constant"
    """The peak, with a straight line down over the last cooldown_steps."""

    cooldown_steps: Annotated[int, Field(ge=0)] = 0
    """Updates at the end over which it comes down to zero."""

    @property
    def least_steps(self) -> int:
        """Warm-up and cool-down."""
        return self.warmup_steps + self.cooldown_steps

    def decay(self, done: float, total: float) -> float:
        """1, and from `cooldown_steps` before the end a straight line to 0."""
        return min(1.0, (total - done) / self.cooldown_steps) if self.cooldown_steps else 1.0
