"""A straight line down."""

from typing import Literal

from pretrain.schedules.warmup import Warmed


class Linear(Warmed):
    """A straight line towards zero: BERT, RoBERTa (arXiv:1907.11692, section 3.1), ELECTRA.

    >>> [Linear(warmup_steps=2).factor(update, 6) for update in range(6)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """

    name: Literal["linear"] = "linear"
    """Straight down to zero."""

    def decay(self, done: float, total: float) -> float:
        """1 at first, 0 after the last update."""
        return 1 - done / total
