"""How a stage talks while it works: progress, notes, metrics. Stages get a `Reporter`; they never print."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

from corpora.errors import Interrupted

Item = TypeVar("Item")


class Reporter(Protocol):
    """What a stage may say. `pretrain.running.console` shows it to a person; `Quiet` keeps silent."""

    @property
    def stage(self) -> str:
        """The stage's name in the recipe, which its settings are overridden by."""

    @property
    def stopping(self) -> bool:
        """A signal asked to stop: save what is worth saving, then raise `Interrupted`."""

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        """Yield `items` while showing a progress bar; raise `Interrupted` between two items when stopping."""

    def say(self, line: str) -> None:
        """Show and log one line that a person should read (a warning, a surprise, a figure)."""

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        """Append one row of measurements to the run's `metrics.jsonl`."""

    def rewind(self, step: int) -> None:
        """Forget this stage's metrics after `step`: training resumes there."""


def stop_if_asked(reporter: Reporter) -> None:
    """Raise `Interrupted` if a signal asked to stop, at a point where finished work is saved."""
    if reporter.stopping:
        raise Interrupted("stopped by a signal; finished parts are kept, the same command goes on")


class Quiet:
    """A reporter that shows nothing: for tests and for calling a stage from Python."""

    stage = "stage"
    stopping = False

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        """Yield `items`."""
        yield from items

    def say(self, line: str) -> None:
        """Say nothing."""

    def metrics(self, values: Mapping[str, float | int | str]) -> None:
        """Keep nothing."""

    def rewind(self, step: int) -> None:
        """Nothing was kept, nothing to forget."""
