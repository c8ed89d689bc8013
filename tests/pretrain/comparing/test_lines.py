"""Means, pairs, bootstrap and the choice of a trial, against values by hand and SciPy's bootstrap."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from pretrain.comparing.cells import Cell
from pretrain.comparing.lines import bootstrap, chosen, lines
from pretrain.comparing.results import Outcome
from pretrain.recipe import Recipe

RECIPE = Recipe("r", "", 0, 0, {}, {})


def outcome(arm: int, seed: int, score: float | None, trial: int = 0, dev: float | None = None) -> Outcome:
    scores = {} if score is None else {"accuracy": score}
    return Outcome(Cell(arm, trial, seed, RECIPE), scores, dev, passes=1.0 + arm, seconds=2.0 + arm)


def test_differences_are_taken_between_the_seeds_that_both_arms_have() -> None:
    first = [outcome(0, seed, score) for seed, score in enumerate((0.70, 0.80, 0.90, 0.95))]
    second = [outcome(1, seed, score) for seed, score in ((0, 0.71), (1, 0.83), (2, None), (5, 0.10))]
    one, other = lines([*first, *second], arms=2, trials=1)
    own = one.scores["accuracy"]
    assert own.apart is None
    assert [own.mean, own.median] == pytest.approx([0.8375, 0.85])
    assert own.std == pytest.approx(np.std([0.70, 0.80, 0.90, 0.95], ddof=1))
    far = other.scores["accuracy"].apart
    assert far is not None
    assert (far.pairs, other.diverged) == (2, 1)
    # of two pairs, the ends of the interval are the pairs themselves
    assert [far.mean, far.low, far.high] == pytest.approx([0.02, 0.01, 0.03])
    assert (one.passes, other.passes, other.seconds) == (1.0, 2.0, 3.0)


def test_seeds_that_learnt_nothing_are_counted() -> None:
    same = replace(outcome(0, 0, 0.5), constant=True)
    (line,) = lines([same, outcome(0, 1, 0.8), outcome(0, 2, None)], 1, 1)
    assert line.constant == 1


def test_an_arm_of_which_every_seed_diverged_is_counted() -> None:
    _, lost = lines([outcome(0, 0, 0.5), outcome(1, 0, None), outcome(1, 1, None)], 2, 1)
    assert (lost.diverged, lost.scores) == (2, {})


def test_the_interval_is_that_of_scipys_bootstrap_and_the_same_every_time() -> None:
    values = [0.012, -0.004, 0.03, 0.008, 0.015, 0.001]
    assert bootstrap(values) == bootstrap(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = scipy_bootstrap(
            (values,), np.mean, method="percentile", n_resamples=20_000
        ).confidence_interval
    assert list(bootstrap(values)) == pytest.approx([theirs.low, theirs.high], abs=7e-4)


def test_the_trial_is_chosen_on_dev_and_never_on_test() -> None:
    good_on_dev = [outcome(0, seed, 0.1, trial=1, dev=0.9) for seed in (0, 1)]
    good_on_test = [outcome(0, seed, 0.9, trial=0, dev=0.1) for seed in (0, 1)]
    assert chosen([*good_on_test, *good_on_dev], 2) == 1
    lost = [outcome(0, 0, 0.1, trial=1, dev=0.9), outcome(0, 1, None, trial=1)]
    assert chosen([*good_on_test, *lost], 2) == 0  # one that diverges is no choice
    (line,) = lines([*good_on_test, *good_on_dev], 1, 2)
    assert line.trial == 1
    assert line.scores["accuracy"].mean == pytest.approx(0.1)
