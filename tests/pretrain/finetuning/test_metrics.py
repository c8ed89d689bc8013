"""Scores against scikit-learn's; spread against hand values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from pretrain.finetuning.metrics import Spread, accuracy, f1, macro_f1, matthews, pearson, spearman

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1)


@given(pairs)
def test_scores_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, predicted = (np.array(side) for side in zip(*rows, strict=True))
    assert accuracy(truth, predicted) == pytest.approx(accuracy_score(truth, predicted))
    expected = f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


def test_f1_is_of_the_last_class() -> None:
    truth, found = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([1, 1, 0, 1, 0, 0, 0])
    assert f1(truth, found) == pytest.approx(2 / 3)  # precision and recall are 2 of 3
    assert f1(truth, found) == pytest.approx(f1_score(truth, found))
    assert f1(truth * 0, found * 0) == 0.0
    assert f1(truth * 0, found) == 0.0


def test_matthews_is_the_correlation_of_two_tables_of_ones() -> None:
    truth, found = np.array([1, 1, 1, 0, 0, 0, 0]), np.array([1, 1, 0, 1, 0, 0, 0])
    hits, misses, false_alarms, rejections = 2, 1, 1, 3
    product = (hits + false_alarms) * (hits + misses) * (rejections + false_alarms) * (rejections + misses)
    by_hand = (hits * rejections - false_alarms * misses) / product**0.5
    assert matthews(truth, found) == pytest.approx(by_hand)
    assert matthews(truth, truth * 0) == 0.0  # one class for all rows, as GLUE's scorer has it


numbers = st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=20)


@given(numbers)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    truth, found = np.array(pairs, dtype=np.float64).T
    if np.ptp(truth) and np.ptp(found):
        assert pearson(truth, found) == pytest.approx(stats.pearsonr(truth, found).statistic)
        assert spearman(truth, found) == pytest.approx(stats.spearmanr(truth, found).statistic)
    else:
        assert pearson(truth, found) == spearman(truth, found) == 0.0


def test_a_class_that_is_never_predicted_counts_as_zero() -> None:
    truth, predicted = np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1])
    assert macro_f1(truth, predicted) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_spread_is_mean_and_sample_deviation() -> None:
    spread = Spread.of([0.80, 0.82, 0.84])
    assert spread.mean == pytest.approx(0.82)
    assert spread.std == pytest.approx(0.02)
    assert str(spread) == "0.820 ± 0.020"


def test_a_single_run_has_no_spread() -> None:
    assert str(Spread.of([0.5])) == "0.500"
