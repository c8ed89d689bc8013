"""What seeds tell: mean, spread, median, and how far each arm is from the first, with an interval."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pretrain.comparing.results import Outcome

RESAMPLES = 10_000
LEVEL = 0.95
FEW = 5
"""Fewer pairs than this: the bootstrap knows too little of the spread, and its interval is too narrow."""


@dataclass(frozen=True)
class Apart:
    """By how much an arm is above the first one, over the seeds that both have."""

    mean: float
    low: float  # of the bootstrap interval
    high: float
    pairs: int


@dataclass(frozen=True)
class Scores:
    """One measure of one arm over its seeds."""

    runs: Mapping[int, float]  # seed -> score
    apart: Apart | None = None  # None of the first arm, and where no seed is there for both

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return statistics.fmean(self.runs.values())

    @property
    def std(self) -> float | None:
        """Of the sample (n - 1); None of a single seed."""
        return statistics.stdev(self.runs.values()) if len(self.runs) > 1 else None

    @property
    def median(self) -> float:
        """Over the seeds."""
        return statistics.median(self.runs.values())


@dataclass(frozen=True)
class Line:
    """All that is known of one arm."""

    arm: int
    trial: int  # the one that did best on dev, with all seeds
    scores: Mapping[str, Scores]  # by measure; empty where every seed diverged
    diverged: int  # seeds
    passes: float | None  # of an update, forward and backward
    seconds: float | None  # of an update
    constant: int = 0  # seeds for which every row got the same answer


def lines(outcomes: Sequence[Outcome], arms: int, trials: int) -> list[Line]:
    """A line for each arm that has a cell, differences to the first of them."""
    found: list[Line] = []
    for arm in range(arms):
        trial = chosen([one for one in outcomes if one.cell.arm == arm], trials)
        mine = [one for one in outcomes if (one.cell.arm, one.cell.trial) == (arm, trial)]
        if mine:
            found.append(_line(arm, trial, mine, found[0] if found else None))
    return found


def chosen(outcomes: Sequence[Outcome], trials: int) -> int:
    """The trial with the fewest diverged seeds, and of those the highest mean on dev; the first of equals."""

    def worth(trial: int) -> tuple[int, float]:
        mine = [one for one in outcomes if one.cell.trial == trial]
        dev = [one.dev for one in mine if one.dev is not None]
        return sum(not one.diverged for one in mine), statistics.fmean(dev) if dev else 0.0

    return max(range(trials), key=worth)


def bootstrap(differences: Sequence[float]) -> tuple[float, float]:
    """Where the mean of the differences is, in 95 % of resamples of the seeds (percentiles; fixed draws).

    >>> bootstrap([0.01, 0.01])
    (0.01, 0.01)
    """
    values = np.array(differences)
    draws = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[draws].mean(axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def apart(own: Mapping[int, float], first: Mapping[int, float]) -> Apart | None:
    """Differences seed by seed: runs of one seed share their data, order and much of their luck."""
    both = sorted(own.keys() & first.keys())
    if not both:
        return None
    differences = [own[seed] - first[seed] for seed in both]
    return Apart(statistics.fmean(differences), *bootstrap(differences), len(both))


def _line(arm: int, trial: int, outcomes: Sequence[Outcome], first: Line | None) -> Line:
    good = [one for one in outcomes if not one.diverged]
    runs = {
        name: {one.cell.seed: one.scores[name] for one in good if name in one.scores} for name in _names(good)
    }
    scores = {
        name: Scores(own, apart(own, first.scores[name].runs) if first and name in first.scores else None)
        for name, own in runs.items()
    }
    return Line(
        arm,
        trial,
        scores,
        len(outcomes) - len(good),
        _median([one.passes for one in good]),
        _median([one.seconds for one in good]),
        sum(one.constant for one in good),
    )


def _names(outcomes: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(name for one in outcomes for name in one.scores))


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
