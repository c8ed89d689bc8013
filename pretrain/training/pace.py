"""When: where the schedule stands, when training ends, when it saves. By the steps, or by the clock.

What the clock decides must be decided alike on all ranks: they go by the clock of rank 0.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch

from pretrain.engine.deepspeed import Ranks
from pretrain.intervals import seconds_of
from pretrain.training.checkpoints import Progress
from pretrain.training.settings import Train

HOUR = 3600.0


class Pace:
    """Of one training session; `start` lets its clock run."""

    def __init__(self, config: Train, ranks: Ranks) -> None:
        """Stand at 0."""
        self._config, self._ranks = config, ranks
        self._began = time.monotonic()
        self._now = self._saved = 0.0  # seconds since `_began`: at the last `look`, at the last save

    def start(self, progress: Progress) -> None:
        """Count on from the time that was used before."""
        self._now = self._saved = progress.seconds
        self._began = time.monotonic() - progress.seconds

    def look(self, progress: Progress, asked: bool) -> tuple[Progress, bool]:
        """Look at the clock; and whether any rank was asked to stop: one exchange for both."""
        mine = 0.0 if self._ranks.number else time.monotonic() - self._began
        both = torch.tensor([asked, mine], dtype=torch.float64, device=self._ranks.device)
        stopping, self._now = self._ranks.total(both).tolist()
        if self._config.hours:
            progress = replace(progress, seconds=self._now)
        return progress, stopping > 0

    def left(self, progress: Progress) -> Sequence[int]:
        """The steps to take, counted from 0; fewer if the time is over before."""
        config = self._config
        ahead = range(progress.step, progress.step if self.ended(progress) else config.steps)
        return [step for step in ahead if not config.leaves_out(step)] if config.skip else ahead

    def ended(self, progress: Progress) -> bool:
        """Whether all steps are taken, or the time is over."""
        return progress.step == self._config.steps or self._used(progress) >= 1

    def factor(self, progress: Progress) -> float:
        """The schedule's for the next update. Steps that were skipped do not count.

        Under a time budget it is that of a run of as many updates as the pace so far would give.
        """
        updates, used, total = progress.updates, self._used(progress), float(self._config.steps)
        if updates and used:
            total = min(total, updates / used)
        return self._config.schedule.factor(updates, total)

    def save_is_due(self, progress: Progress) -> bool:
        """Whether it is time for a checkpoint."""
        seconds = seconds_of(self._config.save_every)
        return self.is_regular(progress.step) if seconds is None else self._now - self._saved >= seconds

    def saved(self) -> None:
        """Count from here to the next checkpoint."""
        self._saved = self._now

    def is_regular(self, step: int) -> bool:
        """Whether every run saves at this step; saved by the clock, all steps are alike."""
        every = self._config.save_every
        return isinstance(every, str) or step % every == 0

    def _used(self, progress: Progress) -> float:
        """Share of the time budget; 0 without one."""
        return progress.seconds / (HOUR * self._config.hours) if self._config.hours else 0.0
