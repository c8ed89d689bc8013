"""Is this loss out of the ordinary? Running statistics that one bad step cannot spoil."""

from dataclasses import dataclass

KNOWN = 50  # losses after which a spread is known well enough to call one of them a spike
MEMORY = 500  # losses back, about, that the statistics reach
SIGMAS_A_DEVIATION = 1.2533  # of a normal distribution: sqrt(pi / 2)


@dataclass(frozen=True)
class Trend:
    """Mean of the loss and of its distance from that, both fading with age. Part of a checkpoint.

    The mean distance is less moved by few large values than a variance is, and what enters is bounded: a loss
    far out counts as one at the border. A level that lasts is nevertheless followed.
    """

    losses: int = 0
    mean: float = 0.0  # nats
    distance: float = 0.0  # mean of |loss - mean|, nats

    @property
    def sigma(self) -> float:
        """The standard deviation, if losses scatter normally; 0 while too few are known."""
        return SIGMAS_A_DEVIATION * self.distance if self.losses >= KNOWN else 0.0

    def spike(self, loss: float, sigmas: float) -> bool:
        """Whether a loss is more than so many standard deviations above the mean."""
        return 0 < self.sigma * sigmas < loss - self.mean

    def plus(self, loss: float, sigmas: float) -> "Trend":
        """With one more loss, counted as `sigmas` deviations from the mean where it is further away."""
        away = loss - self.mean
        if (border := sigmas * self.sigma) > 0:
            away = max(-border, min(border, away))
        weight = max(1 / (self.losses + 1), 1 / MEMORY)
        distance = abs(away) if self.losses else 0.0
        return Trend(
            self.losses + 1, self.mean + weight * away, self.distance + weight * (distance - self.distance)
        )
