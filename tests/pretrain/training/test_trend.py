import random
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from pretrain.training.checkpoints import Best, Progress
from pretrain.training.trend import KNOWN, Trend


def after(losses: list[float], trend: Trend | None = None) -> Trend:
    trend = trend or Trend()
    for loss in losses:
        trend = trend.plus(loss, 6.0)
    return trend


def noise(count: int, level: float, seed: int = 0) -> list[float]:
    dice = random.Random(seed)
    return [dice.gauss(level, 0.1) for _ in range(count)]


def test_mean_and_sigma_are_those_of_the_losses() -> None:
    trend = after(noise(400, 5.0))
    assert abs(trend.mean - 5) < 0.02
    assert abs(trend.sigma - 0.1) < 0.015


def test_a_loss_far_above_is_a_spike_and_one_below_or_within_is_none() -> None:
    trend = after(noise(200, 5.0))
    assert trend.spike(5.9, 6.0)
    assert not trend.spike(5.3, 6.0)
    assert trend.spike(5.3, 2.0)
    assert not trend.spike(1.0, 6.0)


def test_too_few_losses_call_nothing_a_spike() -> None:
    assert not after(noise(KNOWN - 1, 5.0)).spike(1e9, 6.0)
    assert after(noise(KNOWN, 5.0)).spike(1e9, 6.0)


def test_a_spike_moves_the_statistics_by_no_more_than_its_border() -> None:
    calm = after(noise(200, 5.0))
    hurt = calm.plus(1e6, 6.0)
    assert hurt == calm.plus(calm.mean + 6 * calm.sigma, 6.0)
    assert hurt.spike(5.9, 6.0)


def test_a_level_that_lasts_is_followed() -> None:
    trend = after(noise(200, 5.0))
    moved = after(noise(3000, 7.0, 1), trend)
    assert abs(moved.mean - 7) < 0.05
    assert not moved.spike(7.2, 6.0)


@given(start=st.floats(6, 12), fall=st.floats(0.9, 0.9999), seed=st.integers(0, 100))
def test_a_loss_that_falls_as_losses_do_is_no_spike(start: float, fall: float, seed: int) -> None:
    trend, dice = Trend(), random.Random(seed)
    for step in range(300):
        loss = start * fall**step + dice.gauss(0, 0.05)
        assert not trend.spike(loss, 8.0)
        trend = trend.plus(loss, 8.0)


def test_progress_is_read_back_as_it_was_written() -> None:
    progress = Progress(7, 5, 2, rate=0.3, trend=after(noise(9, 2.0)), best=Best(4, 0.5), seconds=1.5)
    assert Progress.read(asdict(progress)) == progress
    before = asdict(Progress(7, 5, 2))
    for unknown in ("rate", "trend", "best", "seconds"):  # to an older version
        del before[unknown]
    assert Progress.read(before) == Progress(7, 5, 2)
