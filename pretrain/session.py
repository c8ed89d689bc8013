"""The training loop: step after step, with its log, its measurements on held-out rows, its checkpoints."""

import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from corpora.errors import BadData, Diverged, Interrupted
from corpora.reporter import Reporter
from corpora.stage import JSON
from pretrain import checkpoints
from pretrain.batch import Window
from pretrain.checkpoints import Progress
from pretrain.engine import Engine
from pretrain.evaluation import evaluate
from pretrain.fitting import Fitting
from pretrain.loading import Loader
from pretrain.saving import Saver
from pretrain.step import Step, train_step
from pretrain.tally import Tally
from pretrain.train_settings import Train


@dataclass(frozen=True)
class HeldOut:
    """Rows that are never trained on, and how often each token occurs in the training text."""

    loader: Loader
    unigrams: NDArray[np.int64]  # (vocab,)


class Session:
    """Training in progress. All ranks hold one; rank 0 alone writes and speaks."""

    def __init__(
        self,
        config: Train,
        engine: Engine,
        loader: Loader,
        held_out: HeldOut | None,
        saver: Saver,
        fitting: Fitting,
        reporter: Reporter,
    ) -> None:
        """Stand before the first step; `go_on` moves to a later one."""
        self.config, self.engine, self.loader, self.held_out = config, engine, loader, held_out
        self.saver, self.out, self.fitting, self.reporter = saver, saver.out, fitting, reporter
        self.objectives = config.objectives.active()
        self.progress, self.log = Progress(), list[str]()
        self._writes = engine.ranks.number == 0
        self._clock = time.monotonic()

    def go_on(self, saved: checkpoints.Saved) -> None:
        """Stand where a checkpoint was made, with the optimizer's moments of that moment."""
        self.engine.load(saved.folder)
        self.progress, self.log = saved.progress, saved.log
        if self._writes:
            self.reporter.say(f"goes on after step {self.progress.step:,}")

    def run(self) -> None:
        """Take all steps that are left.

        Raises:
            Interrupted: a signal came, on any rank; the last finished step is saved.
            Diverged: `patience` steps in a row could not be applied.
            BadData: `patience` steps in a row had nothing to predict.
        """
        if self._writes:
            self.reporter.rewind(self.progress.step)  # what a killed process said of steps that come again
        with closing(self.saver), closing(self._windows()) as windows:
            for window in windows:
                self._take(window)
                self._look_after()
            self.saver.wait()

    def kept(self) -> list[int]:
        """Steps whose checkpoints are there; known to rank 0."""
        return checkpoints.steps(self.out.parts()) if self._writes else []

    def _windows(self) -> Generator[Window, None, None]:
        """The windows still to come, behind a progress bar that does not decide where to stop."""
        left = range(self.progress.step, self.config.steps)
        bar = iter(self.reporter.track(left, "training", len(left), "steps"))
        for window in self.fitting.windows(left):
            with suppress(StopIteration, Interrupted):
                next(bar)
            yield window

    def _look_after(self) -> None:
        """What is due between two steps: log, measure, save, stop."""
        config, done = self.config, self.progress.step
        end = done == config.steps
        if end or done % config.log_every == 0:
            self._log_means()
        if end or (config.evaluate_every and done % config.evaluate_every == 0):
            self._evaluate()
        stopping = self.engine.ranks.any(self.reporter.stopping)
        if end or stopping or done % config.save_every == 0:
            self._save()
        self.saver.check()
        if stopping and not end:
            self.saver.wait()
            raise Interrupted(f"stopped and saved after step {done:,}: the same command goes on from there")

    def _take(self, window: Window) -> None:
        """One step, and what it means for the progress."""
        rate = self._learning_rate(self.progress.updates)
        seed = self.config.seed or 0
        step = self.fitting.take(
            window, lambda some: train_step(self.engine, some, self.objectives, rate, seed)
        )
        before = self.progress
        if step.applied:
            since, masks = before.since.plus(step, window), before.masks.plus(window.masks)
            self.progress = Progress(before.step + 1, before.updates + 1, 0, since, masks)
        elif self.engine.overflowed:
            self.progress = replace(before, step=before.step + 1)
            self._write({"step": self.progress.step, "overflow": self.engine.loss_scale})
        else:
            skipped = before.skipped_in_a_row + 1
            self.progress = replace(before, step=before.step + 1, skipped_in_a_row=skipped)
            self._skipped(step, skipped, rate)

    def _learning_rate(self, update: int) -> float:
        """Of one update, counted from 0: skipped steps do not count."""
        config = self.config
        return config.optimizer.lr * config.schedule.factor(update, config.steps)

    def _skipped(self, step: Step, in_a_row: int, rate: float) -> None:
        """Log the rows of a step that was not applied; give up after too many of them."""
        done, asked = self.progress.step, any(step.counts.values())
        rows = self.loader.samples(done - 1).tolist()  # of all ranks
        why = "its loss or gradient is not finite" if asked else "nothing in its rows is to be predicted"
        message = f"step {done:,} skipped ({in_a_row} in a row): {why}"
        self._write({"step": done, "skipped": in_a_row, "rows": rows})
        if self._writes:
            self.reporter.say(f"{message}; rows {rows[:8]}{' ...' if len(rows) > 8 else ''}")
        if in_a_row >= self.config.patience:
            if not asked:
                raise BadData(f"{message}. Look at the rows in the log: are their tokens all unknown?")
            raise Diverged(
                f"{message}. The weights are those before it; lower optimizer.lr ({rate:.2g} here), "
                "lengthen schedule.warmup_steps, or look at the rows in the log"
            )

    def _log_means(self) -> None:
        """One line of means over the steps since the last line."""
        since = self.progress.since
        if since.steps:
            seconds, self._clock = time.monotonic() - self._clock, time.monotonic()
            rate = self._learning_rate(self.progress.updates - 1)  # the last one that was used
            row = since.means(self.objectives) | {"learning_rate": rate}
            self._write({"step": self.progress.step, **row}, {"tokens_per_second": since.tokens / seconds})
        self.progress = replace(self.progress, since=Tally())

    def _evaluate(self) -> None:
        """One line of measurements on held-out rows."""
        if self.held_out:
            ranks = self.engine.ranks
            rows = min(self.config.evaluate_rows, len(self.held_out.loader.tokens))
            batches = self.held_out.loader.evaluation(self.engine.rows, ranks.number, ranks.world, rows)
            measures = evaluate(self.engine, batches, self.objectives, self.held_out.unigrams)
            self._write({"step": self.progress.step, **{f"held_out_{k}": v for k, v in measures.items()}})
            self._clock = time.monotonic()

    def _save(self) -> None:
        """A checkpoint of this step; then away with old ones."""
        config, tokenizer = self.config, self.loader.tokens.tokenizer

        def prune() -> None:
            checkpoints.prune(self.out, config.keep_last, config.keep_every, config.save_every)

        checkpoints.save(self.saver, self.engine, tokenizer, self.progress, self.log, prune)
        self._clock = time.monotonic()

    def _write(self, row: Mapping[str, JSON], timing: Mapping[str, float] | None = None) -> None:
        """A line of the log; with clock times, which no artefact may hold, a line of the run's metrics."""
        self.log.append(json.dumps(row) + "\n")
        if self._writes:
            plain = {key: value for key, value in row.items() if isinstance(value, int | float)}
            self.reporter.metrics(plain | dict(timing or {}))


def rows_of(log: Sequence[str], key: str) -> list[dict[str, float]]:
    """The lines of a log that hold `key`, in order."""
    return [row for row in map(json.loads, log) if key in row]
