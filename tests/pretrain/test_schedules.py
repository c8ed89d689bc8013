import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrain.schedules import Constant, Cosine, Linear


def test_linear_by_hand() -> None:
    schedule = Linear(warmup_steps=4)
    factors = [schedule.factor(update, 8) for update in range(8)]
    assert factors == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])


def test_cosine_by_hand() -> None:
    factors = [Cosine(warmup_steps=2).factor(update, 6) for update in range(6)]
    half = math.sqrt(0.5)
    assert factors == pytest.approx([0.5, 1, 1, (1 + half) / 2, 0.5, (1 - half) / 2])


def test_constant_by_hand() -> None:
    assert [Constant(warmup_steps=2).factor(update, 4) for update in range(4)] == [0.5, 1, 1, 1]


@given(
    schedule=st.sampled_from((Linear, Cosine, Constant)),
    warmup=st.integers(0, 50),
    total=st.integers(50, 200),
)
def test_no_update_is_in_vain_and_none_is_above_the_peak(
    schedule: type[Linear | Cosine | Constant], warmup: int, total: int
) -> None:
    factors = [schedule(warmup_steps=warmup).factor(update, total) for update in range(total)]
    assert all(0 < factor <= 1 for factor in factors)
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)
