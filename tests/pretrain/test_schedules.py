import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pretrain.schedules import Constant, Cosine, InverseSqrt, Linear, Polynomial, Schedule
from pretrain.schedules.warmup import Warmed

FAMILY = (Linear, Cosine, InverseSqrt, Constant, Polynomial)


def factors(schedule: Warmed, total: int) -> list[float]:
    return [schedule.factor(update, total) for update in range(total)]


def test_linear_by_hand() -> None:
    assert factors(Linear(warmup_steps=4), 8) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])


def test_cosine_by_hand() -> None:
    half = math.sqrt(0.5)
    wanted = [0.5, 1, 1, (1 + half) / 2, 0.5, (1 - half) / 2]
    assert factors(Cosine(warmup_steps=2), 6) == pytest.approx(wanted)
    with_floor = [factor * 0.9 + 0.1 for factor in wanted[2:]]
    assert factors(Cosine(warmup_steps=2, end=0.1), 6)[2:] == pytest.approx(with_floor)


def test_constant_by_hand() -> None:
    assert factors(Constant(warmup_steps=2), 4) == [0.5, 1, 1, 1]
    cooled = Constant(warmup_steps=2, cooldown_steps=4)
    assert factors(cooled, 8) == pytest.approx([0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25])


def test_inverse_square_root_by_hand() -> None:
    wanted = [1 / 3, 2 / 3, 1, 1, math.sqrt(3 / 4), math.sqrt(3 / 5)]
    assert factors(InverseSqrt(warmup_steps=3), 6) == pytest.approx(wanted)
    assert factors(InverseSqrt(timescale=1), 3) == pytest.approx([1, math.sqrt(1 / 2), math.sqrt(1 / 3)])


def test_polynomial_by_hand() -> None:
    assert factors(Polynomial(power=0.5, end=0.2), 4) == pytest.approx(
        [1, 0.2 + 0.8 * math.sqrt(0.75), 0.2 + 0.8 * math.sqrt(0.5), 0.6]
    )


def google_bert(step: int, warmup: int, total: int) -> float:
    """`create_optimizer` of google-research/bert, line by line, for a peak of 1."""
    learning_rate: float = (1.0 - 0.0) * (1 - min(step, total) / total) ** 1.0 + 0.0
    is_warmup = float(step < warmup)
    return (1.0 - is_warmup) * learning_rate + is_warmup * (1.0 * (step / warmup))


def google_electra(step: int, warmup: int, total: int) -> float:
    """`create_optimizer` of google-research/electra."""
    learning_rate: float = (1.0 - 0.0) * (1 - min(step, total) / total) ** 1.0 + 0.0
    return learning_rate * min(1.0, step / warmup)


@pytest.mark.parametrize("warmup", [1, 7, 20])
def test_the_forms_of_bert_and_electra_are_googles(warmup: int) -> None:
    for shape in (Linear, Polynomial):
        bert, electra = (shape(warmup_steps=warmup, warmup=form) for form in ("bert", "electra"))
        steps = range(50)
        assert factors(bert, 50) == pytest.approx([google_bert(step, warmup, 50) for step in steps])
        assert factors(electra, 50) == pytest.approx([google_electra(step, warmup, 50) for step in steps])


def test_bert_drops_onto_the_decay_where_the_warm_up_ends() -> None:
    bert = Linear(warmup_steps=10, warmup="bert")
    assert (bert.factor(0, 100), bert.factor(9, 100), bert.factor(10, 100)) == (0, 0.9, 0.9)
    assert bert.factor(11, 100) == pytest.approx(0.89)


@pytest.mark.parametrize("warmup", [0, 1, 10])
def test_after_the_warm_up_each_shape_is_that_of_transformers(warmup: int) -> None:
    from transformers import optimization

    theirs: Any = optimization  # has no types
    optimizer, total = torch.optim.SGD([torch.zeros(1)], 1.0), 40
    pairs: list[tuple[type[Warmed], dict[str, float], Any]] = [
        (Linear, {}, theirs.get_linear_schedule_with_warmup(optimizer, warmup, total)),
        (Cosine, {}, theirs.get_cosine_schedule_with_warmup(optimizer, warmup, total)),
        (Constant, {}, theirs.get_constant_schedule_with_warmup(optimizer, warmup)),
        (InverseSqrt, {}, theirs.get_inverse_sqrt_schedule(optimizer, warmup)),
        (
            Polynomial,
            {"power": 2.0, "end": 0.1},
            theirs.get_polynomial_decay_schedule_with_warmup(optimizer, warmup, total, 0.1, 2.0),
        ),
    ]
    for shape, options, scheduler in pairs:
        ours = shape.model_validate({"warmup_steps": warmup, **options})
        known = scheduler.lr_lambdas[0]
        wanted = [known(update) for update in range(warmup, total)]
        assert factors(ours, total)[warmup:] == pytest.approx(wanted), shape


@given(schedule=st.sampled_from(FAMILY), warmup=st.integers(0, 50), total=st.integers(50, 200))
def test_no_update_is_in_vain_and_none_is_above_the_peak(
    schedule: type[Warmed], warmup: int, total: int
) -> None:
    found = factors(schedule.model_validate({"warmup_steps": warmup}), total)
    assert all(0 < factor <= 1 for factor in found)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)


@given(
    schedule=st.sampled_from(FAMILY),
    form=st.sampled_from(("climb", "bert", "electra")),
    warmup=st.integers(0, 50),
    pace=st.floats(0.01, 100),
    share=st.floats(1e-6, 1, exclude_max=True),
)
def test_an_end_that_is_estimated_from_the_clock_keeps_the_rate_within_its_bounds(
    schedule: type[Warmed], form: str, warmup: int, pace: float, share: float
) -> None:
    """`total` is then no whole number, and at first it may be less than the warm-up."""
    update = int(pace * share * 100)
    total = update / share if update else math.inf
    factor = schedule.model_validate({"warmup_steps": warmup, "warmup": form}).factor(update, total)
    assert 0 <= factor <= 1


def test_a_recipe_names_every_member() -> None:
    read: Any = TypeAdapter(Schedule).validate_python
    names = ("linear", "cosine", "inverse_sqrt", "constant", "polynomial")
    assert [type(read(name)) for name in names] == list(FAMILY)
