"""Scores of predicted classes, their mean and spread over seeds, and how far two arms are apart."""

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


def f1(truth: Classes, predicted: Classes) -> float:
    """F1 of the last of at least two classes (MRPC, QQP: the two say the same); 0 where there is none."""
    last = max(1, truth.max(), predicted.max())
    hits, sizes = (
        np.sum((truth == last) & (predicted == last)),
        np.sum(truth == last) + np.sum(predicted == last),
    )
    return float(2 * hits / max(sizes, 1))


def matthews(truth: Classes, predicted: Classes) -> float:
    """Matthews' correlation coefficient (CoLA)."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(truth, predicted))


def pearson(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Pearson's correlation coefficient; 0 where either says the same of all rows."""
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return 0.0
    return float(np.corrcoef(truth, predicted)[0, 1])


def spearman(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Spearman's correlation of ranks; 0 where either says the same of all rows."""
    from scipy.stats import rankdata

    return pearson(rankdata(truth), rankdata(predicted))


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

    def minus(self, other: "Spread") -> "Spread":
        """The differences seed by seed; a single run of `other` is taken from each.

        Runs of one seed share their classifier, order of rows and dropout, and much of their luck with it:
        the differences spread less than the scores do.
        """
        theirs = other.runs if len(other.runs) > 1 else other.runs * len(self.runs)
        return Spread.of([one - another for one, another in zip(self.runs, theirs, strict=True)])

    def interval(self) -> tuple[float, float] | None:
        """Where the mean over all seeds is, with 95 % confidence (Student's t); None of a single run."""
        if len(self.runs) < 2:
            return None
        from scipy.stats import t

        reach = float(t.ppf(0.975, len(self.runs) - 1)) * self.std / len(self.runs) ** 0.5
        return self.mean - reach, self.mean + reach

    def __str__(self) -> str:
        """`0.812 ± 0.004`, or `0.861` of a single run."""
        return f"{self.mean:.3f}" + self._deviation

    @property
    def signed(self) -> str:
        """`+0.012 ± 0.004`: of differences."""
        return f"{self.mean:+.3f}" + self._deviation

    @property
    def _deviation(self) -> str:
        return f" ± {self.std:.3f}" if len(self.runs) > 1 else ""
