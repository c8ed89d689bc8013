"""fp16's loss scale: a power of two that lifts small gradients over the smallest number of the format.

Gradients under 6e-8 are zero in fp16, so the loss is multiplied before the backward pass, and the gradient,
which is float32 here, divided before it is used. A factor too large gives infinities: that step is dropped
and the factor halved; after many good ones it is doubled (arXiv:1710.03740, section 3.2).
"""

from dataclasses import dataclass, replace

from corpora.errors import Diverged

FIRST, FLOOR, ROOF = 2.0**16, 1.0, 2.0**24
PATIENCE = 2000  # good updates before it is doubled


@dataclass(frozen=True)
class LossScale:
    """A scale, and how many updates in a row it has served."""

    scale: float = FIRST
    good: int = 0
    overflows: int = 0  # since the first step

    def after_update(self) -> "LossScale":
        """One more update went well."""
        if self.good + 1 < PATIENCE:
            return replace(self, good=self.good + 1)
        return replace(self, scale=min(2 * self.scale, ROOF), good=0)

    def after_overflow(self) -> "LossScale":
        """A gradient did not fit.

        Raises:
            Diverged: the scale cannot be lowered any more.
        """
        if self.scale <= FLOOR:
            raise Diverged(
                f"gradients overflow fp16 even at a loss scale of {FLOOR:g} (after {self.overflows} overflows"
                " in all): set speed.precision to bf16 or fp32, or lower optimizer.lr"
            )
        return LossScale(self.scale / 2, 0, self.overflows + 1)
