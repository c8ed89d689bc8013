"""What a run shows and keeps: the terminal, `log.txt` and `metrics.jsonl` of its folder."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from corpora.errors import Interrupted
from pretrain.signals import StopRequest

Item = TypeVar("Item")
QUIET_SECONDS = 15.0  # between two progress lines where no terminal shows a bar


class RunReporter:
    """A `Reporter` for one stage of a run: bars on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, folder: Path, stage: str, stop: StopRequest) -> None:
        """Speak for `stage`, into the run `folder`."""
        self._console, self._folder, self._stage, self._stop = console, folder, stage, stop
        self._started = time.monotonic()

    @property
    def stopping(self) -> bool:
        """Whether a signal asked to stop."""
        return bool(self._stop)

    def say(self, line: str) -> None:
        """Print a line and log it."""
        self._console.print(f"  {line}", markup=False, highlight=False)
        log(self._folder, f"{self._stage}: {line}")

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        """Append a row to `metrics.jsonl`."""
        row = {"stage": self._stage, **values, "seconds": round(time.monotonic() - self._started, 3)}
        with (self._folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rewind(self, step: int) -> None:
        """Drop this stage's rows after `step`."""
        path = self._folder / "metrics.jsonl"
        if path.exists():
            rows = [
                line for line in path.read_text("utf-8").splitlines(keepends=True) if self._keeps(line, step)
            ]
            path.write_text("".join(rows), "utf-8")

    def _keeps(self, line: str, step: int) -> bool:
        try:
            row = json.loads(line)
        except ValueError:
            return False  # the torn last line of a killed process
        return bool(row["stage"] != self._stage or row.get("step", 0) <= step)

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
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=total, unit=unit)
            for item in items:
                yield item
                progress.advance(task)

    def _lines(self, items: Iterable[Item], what: str, total: int | None, unit: str) -> Iterator[Item]:
        last = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            if time.monotonic() - last > QUIET_SECONDS:
                last = time.monotonic()
                of = f"/{total:,}" if total else ""
                self._console.print(f"  {what}: {done:,}{of} {unit}".rstrip(), markup=False, highlight=False)


def log(folder: Path, line: str) -> None:
    """Append a dated line to the run's log."""
    with (folder / "log.txt").open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
