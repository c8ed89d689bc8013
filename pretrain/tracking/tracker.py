"""What every tracker is told of a run, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from corpora.stage import JSON


@dataclass(frozen=True)
class Tracked:
    """A stage of a run, as trackers show it."""

    folder: Path  # of the run
    run: str  # its name
    stage: str
    id: str  # the same whenever the run goes on
    settings: Mapping[str, JSON]  # of the stage
    after: int = 0  # the step that training goes on after, 0: it begins


class Curves(Protocol):
    """An open tracker. The runs of wandb, trackio and swanlab are such as they are."""

    def log(self, values: dict[str, float], *, step: int) -> None:
        """Show measures of one step."""

    def finish(self) -> None:
        """Nothing more will come."""
