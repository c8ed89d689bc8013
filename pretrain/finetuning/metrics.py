"""Scores of predicted classes, and their mean and spread over seeds. All are shares, 0..1."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Measures: TypeAlias = dict[str, float]
"""Scores by name."""

Classes: TypeAlias = NDArray[np.int64]
"""Numbers of classes, (rows,)."""


def accuracy(truth: Classes, predicted: Classes) -> float:
    """Share of rows whose class was found.

    >>> accuracy(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]))
    0.75
    """
    return float(np.mean(truth == predicted))


def macro_f1(truth: Classes, predicted: Classes) -> float:
    """Mean F1 of the classes that occur in either argument; a class never predicted, or never true, has F1 0.

    (The same rule as scikit-learn's `f1_score(average="macro", zero_division=0)`.)
    """
    classes = np.union1d(truth, predicted)
    hits = np.array([np.sum((truth == c) & (predicted == c)) for c in classes])
    sizes = np.array([np.sum(truth == c) + np.sum(predicted == c) for c in classes])
    return float(np.mean(2 * hits / sizes))


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation (n - 1; 0 of a single run) of one measure over seeds."""

    mean: float
    std: float
    runs: tuple[float, ...]  # in the order of the seeds

    @classmethod
    def of(cls, runs: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(statistics.fmean(runs), statistics.stdev(runs) if len(runs) > 1 else 0.0, tuple(runs))

    def __str__(self) -> str:
        """`0.812 ± 0.004`, or `0.861` of a single run."""
        return f"{self.mean:.3f}" + (f" ± {self.std:.3f}" if len(self.runs) > 1 else "")
