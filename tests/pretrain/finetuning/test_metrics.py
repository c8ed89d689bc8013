"""Scores against scikit-learn's; spread against hand values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from pretrain.finetuning.metrics import Spread, accuracy, macro_f1

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1)


@given(pairs)
def test_scores_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, predicted = (np.array(side) for side in zip(*rows, strict=True))
    assert accuracy(truth, predicted) == pytest.approx(accuracy_score(truth, predicted))
    expected = f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(truth, predicted) == pytest.approx(expected)


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
