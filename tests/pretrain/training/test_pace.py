from types import SimpleNamespace

import pytest
import torch

from pretrain.engine.deepspeed import Ranks
from pretrain.training import pace
from pretrain.training.checkpoints import Progress
from pretrain.training.pace import Pace
from pretrain.training.settings import Train
from tests.pretrain.toys import toy_train

ALONE = Ranks.join()


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def started(config: Train, progress: Progress) -> Pace:
    found = Pace(config, ALONE)
    found.start(progress)
    return found


@pytest.mark.parametrize("name", ["linear", "cosine", "constant", "polynomial", "inverse_sqrt"])
def test_at_a_steady_pace_a_time_budget_is_the_schedule_of_the_steps_that_it_has_room_for(
    clock: Clock, name: str
) -> None:
    config = toy_train(steps=100_000, hours=0.1, schedule={"name": name, "warmup_steps": 5})
    progress, factors = Progress(), list[float]()
    timed = started(config, progress)
    while not timed.ended(progress):
        factors.append(timed.factor(progress))
        clock.now += 4  # 90 of them are 360 seconds
        progress = Progress(progress.step + 1, progress.updates + 1, seconds=progress.seconds)
        progress, _ = timed.look(progress, False)
    assert factors == pytest.approx([config.schedule.factor(update, 90) for update in range(90)])


def test_time_that_was_used_counts_and_the_steps_are_a_bound(clock: Clock) -> None:
    config = toy_train(steps=10, hours=0.1)
    timed = started(config, Progress(4, 4, seconds=300))
    clock.now += 50
    progress, _ = timed.look(Progress(5, 5, seconds=300), False)
    assert progress.seconds == 350
    assert timed.factor(progress) == config.schedule.factor(5, 5 * 360 / 350)
    clock.now += 10
    ended, _ = timed.look(progress, False)
    assert timed.ended(ended)
    assert list(timed.left(ended)) == []
    slow = Progress(9, 9, seconds=1)
    assert timed.factor(slow) == config.schedule.factor(9, 10)
    assert timed.ended(Progress(10, 10, seconds=2))


def test_without_a_budget_no_clock_enters_the_progress(clock: Clock) -> None:
    timed = started(toy_train(), Progress(1, 1))
    clock.now += 1e6
    assert timed.look(Progress(1, 1), True) == (Progress(1, 1), True)
    assert timed.factor(Progress(1, 1)) == toy_train().schedule.factor(1, 12)


def test_saves_are_due_by_steps_or_by_the_clock(clock: Clock) -> None:
    by_steps = started(toy_train(save_every=4), Progress())
    assert [by_steps.save_is_due(Progress(step)) for step in (3, 4, 5)] == [False, True, False]
    by_clock = started(toy_train(save_every="30 minutes"), Progress())
    due = []
    for _ in range(5):
        clock.now += 600
        by_clock.look(Progress(), False)
        due.append(by_clock.save_is_due(Progress()))
        if due[-1]:
            by_clock.saved()
    assert due == [False, False, True, False, False]
    assert by_clock.is_regular(17)


def test_steps_to_leave_out_are_not_taken() -> None:
    timed = started(toy_train(skip=[[3, 5], [9, 9]]), Progress(1))
    assert list(timed.left(Progress(1))) == [1, 5, 6, 7, 9, 10, 11]


def test_other_ranks_go_by_the_clock_of_the_first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def added(ranks: Ranks, mine: torch.Tensor) -> torch.Tensor:
        return mine + torch.tensor([0.0, 77.0])

    monkeypatch.setattr(Ranks, "total", added)
    second = Pace(toy_train(hours=1.0), Ranks(1, 2, torch.device("cpu")))
    second.start(Progress())
    clock.now += 5
    progress, _ = second.look(Progress(), False)
    assert progress.seconds == 77
