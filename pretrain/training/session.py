"""The training loop: step after step, with its log, its measurements on held-out rows, its checkpoints."""

import json
import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace

from corpora.artefact import Artefact
from corpora.errors import Interrupted, UsageError
from corpora.reporter import Reporter
from corpora.stage import JSON
from pretrain.adversarial.health import figures
from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.step import Step, train_step
from pretrain.training import checkpoints
from pretrain.training.checkpoints import Best, Progress
from pretrain.training.evaluation import HeldOut, evaluate
from pretrain.training.fitting import Fitting
from pretrain.training.gauge import Gauge
from pretrain.training.guards import Guard
from pretrain.training.pace import Pace
from pretrain.training.saving import Saver
from pretrain.training.settings import Train
from pretrain.training.tally import Tally, mean_loss


class Session:
    """Training in progress. All ranks hold one; rank 0 alone writes and speaks."""

    def __init__(
        self,
        config: Train,
        engine: Engine,
        loader: Loader,
        held_out: HeldOut | None,
        inputs: Mapping[str, Artefact],
        saver: Saver,
        fitting: Fitting,
        reporter: Reporter,
    ) -> None:
        """Stand before the first step; `go_on` and `fork` move to a later one."""
        self.config, self.engine, self.loader, self.held_out = config, engine, loader, held_out
        self.saver, self.out, self.fitting, self.reporter = saver, saver.out, fitting, reporter
        self.objectives = config.objectives.active()
        self.progress, self.log = Progress(), list[str]()
        self._writes = engine.ranks.number == 0
        self._pace = Pace(config, engine.ranks)
        self._guard = Guard(config, engine, loader, inputs, self.out, reporter)
        self._gauge = Gauge(engine, config.speed.precision, config.adversarial)

    def go_on(self, saved: checkpoints.Saved) -> None:
        """Stand where a checkpoint was made, with the optimizer's moments of that moment."""
        self.engine.load(saved.folder)
        self.progress, self.log = saved.progress, saved.log
        if self._writes:
            self.reporter.say(f"goes on after step {self.progress.step:,}")

    def fork(self, other: Progress) -> None:
        """Stand where another stage stood; what is measured, logged and timed begins here.

        Raises:
            UsageError: there are no steps left.
        """
        if other.step >= self.config.steps:
            raise UsageError(
                f"steps is {self.config.steps}, and `start` stands after step {other.step} already: "
                "with start_progress, steps counts those of `start` too; raise it"
            )
        self.progress = Progress(other.step, other.updates, rate=other.rate, trend=other.trend)

    def run(self) -> None:
        """Take all steps that are left.

        Raises:
            Interrupted: a signal came, on any rank; the last finished step is saved.
            Diverged: `patience` steps in a row could not be applied; what it takes to replay them is kept.
            BadData: `patience` steps in a row had nothing to predict.
        """
        if self._writes:
            self.reporter.rewind(self.progress.step)  # what a killed process said of steps that come again
        self._pace.start(self.progress)
        self.engine.network.train()  # `from_pretrained` hands networks out with their dropout off
        with closing(self.saver), closing(self._windows()) as windows:
            for window in windows:
                self._take(window)
                self._look_after()
                if self._pace.ended(self.progress):
                    break
            self.saver.wait()

    def kept(self) -> list[int]:
        """Steps whose checkpoints are there; known to rank 0."""
        return checkpoints.steps(self.out.parts()) if self._writes else []

    def _windows(self) -> Generator[Window, None, None]:
        """The windows still to come, behind a progress bar that does not decide where to stop."""
        left = self._pace.left(self.progress)
        bar = iter(self.reporter.track(left, "training", len(left), "steps"))
        for window in self._gauge.watch(self.fitting.windows(left)):
            with suppress(StopIteration, Interrupted):
                next(bar)
            yield window

    def _look_after(self) -> None:
        """What is due between two steps: log, measure, save, stop."""
        self.progress, stopping = self._pace.look(self.progress, self.reporter.stopping)
        config, done, best = self.config, self.progress.step, self.progress.best
        end = self._pace.ended(self.progress)
        if end or done % config.log_every == 0:
            self._log_means()
        if end or (config.evaluate_every and done % config.evaluate_every == 0):
            self._evaluate()
        if end or stopping or self._pace.save_is_due(self.progress) or self.progress.best != best:
            with self._gauge.paused():
                self._save()
        self.saver.check()
        if stopping and not end:
            self.saver.wait()
            raise Interrupted(f"stopped and saved after step {done:,}: the same command goes on from there")

    def _take(self, window: Window) -> None:
        """One step, and what it means for the progress."""
        before, factor = self.progress, self._pace.factor(self.progress)
        rate, seed = self.config.optimizer.lr * factor, self.config.seed or 0
        step = self.fitting.take(
            window,
            lambda some: train_step(self.engine, some, self.objectives, rate, seed, self.config.adversarial),
        )
        self.progress = replace(before, step=window.step + 1)
        if step.applied:
            since, masks = before.since.plus(step, window), before.masks.plus(window.masks)
            self.progress = replace(
                self.progress,
                updates=before.updates + 1,
                skipped_in_a_row=0,
                since=since,
                masks=masks,
                rate=rate,
            )
            self._watch(step)
            if found := figures(step.noted):
                self._write(self._guard.examined(self.progress.step, found, self.log))
            if self.config.hours:  # the clock decided it: nothing else could tell it again
                self._note({"step": self.progress.step, "factor": factor})
        elif self.engine.overflowed:  # the loss scale's matter, not one of patience
            self._write({"step": self.progress.step, "overflow": self.engine.loss_scale})
        else:
            self._skipped(step, rate)

    def _skipped(self, step: Step, rate: float) -> None:
        """Log a step that was not applied; give up after too many of them."""
        in_a_row, asked = self.progress.skipped_in_a_row + 1, any(step.counts.values())
        self.progress = replace(self.progress, skipped_in_a_row=in_a_row)
        self._write(self._guard.skipped(self.progress, asked))
        if in_a_row >= self.config.patience:
            self.saver.wait()  # the bundle is written into the draft, too
            self._guard.give_up(self.progress, asked, self.engine.rows, rate)

    def _watch(self, step: Step) -> None:
        """Is its loss far above those before? Either way it belongs to them from now on."""
        trend, loss = self.progress.trend, mean_loss(step, self.objectives)
        if row := self._guard.spike(self.progress.step, trend, loss):
            self._note(row)
        if self.config.spike:
            self.progress = replace(self.progress, trend=trend.plus(loss, self.config.spike))

    def _log_means(self) -> None:
        """One line of means over the steps since the last line."""
        since = self.progress.since
        if since.steps:
            row = since.means(self.objectives) | {"learning_rate": self.progress.rate}
            self._write({"step": self.progress.step, **row}, self._gauge.read())
        self.progress = replace(self.progress, since=Tally())

    def _evaluate(self) -> None:
        """One line of measurements on held-out rows."""
        if self.held_out:
            with self._gauge.paused():
                measures = evaluate(self.engine, self.held_out, self.objectives)
            known = {f"held_out_{name}": value for name, value in measures.items() if math.isfinite(value)}
            if self._writes and len(known) < len(measures):
                self.reporter.say(f"step {self.progress.step:,}: the loss on held-out rows is no number")
            self._compare(known)
            self._write({"step": self.progress.step, **known})

    def _compare(self, measures: Mapping[str, float]) -> None:
        """Is this the best step so far? That of the lowest loss, or of the highest accuracy."""
        name = f"held_out_{self.config.keep_best}"
        if name not in measures:
            return
        measure, best, higher = measures[name], self.progress.best, name.endswith("_accuracy")
        if best is None or (measure > best.measure if higher else measure < best.measure):
            self.progress = replace(self.progress, best=Best(self.progress.step, measure))

    def _save(self) -> None:
        """A checkpoint of this step; then away with old ones."""
        config, tokenizer, best = self.config, self.loader.tokens.tokenizer, self.progress.best

        def prune() -> None:
            kept = best.step if best else None
            checkpoints.prune(self.out, config.keep_last, config.keep_every, self._pace.is_regular, kept)

        checkpoints.save(self.saver, self.engine, tokenizer, self.progress, self.log, prune)
        self._pace.saved()

    def _write(self, row: Mapping[str, JSON], timing: Mapping[str, float] | None = None) -> None:
        """A line of the log; with clock times, which no artefact may hold, a line of the run's metrics."""
        self._note(row)
        if self._writes:
            plain = {key: value for key, value in row.items() if isinstance(value, int | float)}
            self.reporter.metrics(plain | dict(timing or {}))

    def _note(self, row: Mapping[str, JSON]) -> None:
        """A line of the log alone."""
        self.log.append(json.dumps(row) + "\n")


def rows_of(log: Sequence[str], key: str) -> list[dict[str, float]]:
    """The lines of a log that hold `key`, in order."""
    return [row for row in map(json.loads, log) if key in row]
