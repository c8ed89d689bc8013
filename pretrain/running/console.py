"""What a run shows and keeps: the terminal, `log.txt` and `metrics.jsonl` of its folder."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import TypeVar

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from corpora.errors import Interrupted
from corpora.reporter import Quiet
from corpora.stage import JSON
from pretrain import notes
from pretrain.board import Board
from pretrain.launch.signals import StopRequest
from pretrain.report.brief import brief, clock
from pretrain.tracking import AnyTracker
from pretrain.tracking.tracker import Tracked

Item = TypeVar("Item")
QUIET_SECONDS = 15.0  # between two progress lines where no terminal shows a bar
PATIENT_SECONDS = 120.0  # the same where lines of measurements come as well
PAGE_SECONDS = 60.0  # between two drawings of the report page, and
PAGE_SHARE = 0.01  # the most of the time that these may take


class Terminal(Console):
    """The standard output. Once its reader is gone (`... | head`) it falls silent, and work goes on."""

    def on_broken_pipe(self) -> None:
        """Print nothing more."""
        self.quiet = True
        hush()


def hush() -> None:
    """Send what is left to say on the standard output nowhere, so that the exit is not disturbed by it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Listener(Quiet):
    """The reporter of ranks other than 0: silent, but a signal to it is heard."""

    def __init__(self, stop: StopRequest) -> None:
        """Hear `stop`."""
        self._stop = stop

    @property
    def stopping(self) -> bool:  # type: ignore[override]
        """Whether a signal asked to stop."""
        return bool(self._stop)


class Bar(Progress):
    """A progress bar, and below it what was measured last."""

    told = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines of the display."""
        yield from super().get_renderables()
        if self.told:
            yield Text(f"  {self.told}", style="dim", overflow="ellipsis", no_wrap=True)


class RunReporter:
    """A `Reporter` for one stage of a run: bars on a terminal, a line now and then elsewhere."""

    def __init__(
        self,
        console: Console,
        folder: Path,
        stage: str,
        stop: StopRequest,
        trackers: Sequence[AnyTracker] = (),
        settings: Mapping[str, JSON] | None = None,
        draw: Callable[[], object] | None = None,
    ) -> None:
        """Speak for `stage`, into the run `folder`; `trackers` see its settings, `draw` makes its page."""
        self._console, self._folder, self._stage, self._stop = console, folder, stage, stop
        self._started = self._spoke = time.monotonic()
        self._draw, self._draw_after = draw, self._started + PAGE_SECONDS
        self._bar_shown: Bar | None = None
        self._left, self._patience = "", QUIET_SECONDS
        run = Tracked(folder, folder.name, stage, "", settings or {})
        self._board = Board(trackers, run, self.say)

    def close(self) -> None:
        """Let trackers finish."""
        self._board.close()

    @property
    def stage(self) -> str:
        """The stage's name in the recipe."""
        return self._stage

    @property
    def stopping(self) -> bool:
        """Whether a signal asked to stop."""
        return bool(self._stop)

    def say(self, line: str) -> None:
        """Print a line and log it."""
        self._console.print(f"  {line}", markup=False, highlight=False)
        log(self._folder, f"{self._stage}: {line}")

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        """Append a row to `metrics.jsonl`; show it on the terminal, to the trackers, on the report page."""
        now = time.monotonic()
        row = {"stage": self._stage, **values, "seconds": round(now - self._started, 3)}
        notes.append(self._folder / "metrics.jsonl", row)
        self._board.add(row)
        self._show(row, now)
        if self._draw and now > self._draw_after:
            self._draw()
            took = time.monotonic() - now
            self._draw_after = now + max(PAGE_SECONDS, took / PAGE_SHARE)

    def _show(self, row: Mapping[str, JSON], now: float) -> None:
        """Beneath the bar; elsewhere as a line, unless one was printed a moment ago."""
        told = brief(row)
        self._patience = PATIENT_SECONDS if told else self._patience
        if self._bar_shown and told:
            self._bar_shown.told = told
        elif told and not self._console.is_terminal and now - self._spoke > QUIET_SECONDS:
            self._spoke = now
            self._console.print(f"  {told}{self._left}", markup=False, highlight=False)

    def rewind(self, step: int) -> None:
        """Drop this stage's rows after `step`, and open the trackers."""
        path, told = self._folder / "metrics.jsonl", step
        if path.exists():
            rows = list(notes.rows(path))
            told = max([step, *(row.get("step", 0) for row in rows if row["stage"] == self._stage)])
            kept = [row for row in rows if row["stage"] != self._stage or row.get("step", 0) <= step]
            notes.write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept))
        self._board.begin(step, told)

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        """Yield `items` behind a progress bar; stop between two of them when asked to."""
        if total is None and isinstance(items, Sized):
            total = len(items)
        shown = self._bar if self._console.is_terminal else self._lines
        for item in shown(items, what, total, unit):
            yield item
            if self._stop:
                raise Interrupted(f"{self._stage}: stopped by {self._stop.name}; finished parts are kept")

    def _bar(self, items: Iterable[Item], what: str, total: int | None, unit: str) -> Iterator[Item]:
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TextColumn(
                "{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"
                if total
                else "{task.completed:,.0f}"
            ),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Bar(*columns, console=self._console, transient=True) as progress:
            self._bar_shown = progress
            task = progress.add_task(what, total=total, unit=unit)
            for item in items:
                yield item
                progress.advance(task)
        self._bar_shown = None

    def _lines(self, items: Iterable[Item], what: str, total: int | None, unit: str) -> Iterator[Item]:
        begun = self._spoke = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            self._left = f", {clock((now - begun) / done * (total - done))} left" if total else ""
            if now - self._spoke > self._patience:
                self._spoke = now
                of = f"/{total:,}" if total else ""
                self._console.print(f"  {what}: {done:,}{of} {unit}".rstrip(), markup=False, highlight=False)


def log(folder: Path, line: str) -> None:
    """Append a dated line to the run's log."""
    notes.append_line(folder / "log.txt", f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}")
