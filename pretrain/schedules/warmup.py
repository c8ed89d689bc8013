"""What schedules share: the warm-up, in the three forms that are in use, and where the decay counts from.

Which one is the default? With `climb` the first update already moves (1/W of the peak, not 0) and so does the
last, no computed gradient is in vain, and the peak that the recipe names is reached. `bert` and `electra` are
there to repeat those models to the letter.
"""

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from corpora.settings import Settings


class Warmed(Settings):
    """A linear warm-up of the rate, joined in some way to a decay."""

    name: str

    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Updates until the peak is reached."""

    warmup: Literal["climb", "bert", "electra"] = "climb"
    """climb: up to the peak, from there the decay (RoBERTa, transformers). bert: from 0, then a drop onto the
    decay as counted from the first update. electra: from 0, the decay multiplied from the first update on."""

    @property
    def least_steps(self) -> int:
        """Updates of its fixed stretches: fewer in all leave no room for them."""
        return self.warmup_steps

    def factor(self, update: int, total: float) -> float:
        """Share of the peak for update number `update` (from 0) of `total`."""
        steps = self.warmup_steps
        if self.warmup == "climb":
            risen = min(1.0, (update + 1) / max(steps, 1))
            return risen * self.decay(max(0, update - steps), max(1, total - steps))
        if self.warmup == "bert" and update < steps:
            return update / steps
        return min(1.0, update / max(steps, 1)) * self.decay(update, total)

    @abstractmethod
    def decay(self, done: float, total: float) -> float:
        """Share of the peak after `done` of `total` updates, without a warm-up."""
