"""Trackers: who is shown the rows of `metrics.jsonl` while a run trains.

A new one is a file here and a name in `Tracker`.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.errors import UsageError
from corpora.settings import named
from pretrain.tracking.swanlab import SwanLab
from pretrain.tracking.tensorboard import TensorBoard
from pretrain.tracking.trackio import Trackio
from pretrain.tracking.wandb import Wandb

__all__ = [
    "AnyTracker",
    "SwanLab",
    "TensorBoard",
    "Tracker",
    "Trackio",
    "Wandb",
    "check_installed",
    "installed",
]

AnyTracker: TypeAlias = TensorBoard | Wandb | Trackio | SwanLab
Tracker = Annotated[AnyTracker, Field(discriminator="name"), named("name")]


def installed(tracker: AnyTracker) -> bool:
    """Whether its package is there; it is not imported."""
    return find_spec(tracker.package) is not None


def check_installed(trackers: Iterable[AnyTracker]) -> None:
    """Refuse trackers that were asked for and whose package is missing.

    TensorBoard, which nobody has to ask for, is none of them: the run says so, and does without it.

    Raises:
        UsageError: with the packages to install.
    """
    asked = (one for one in trackers if not isinstance(one, TensorBoard))
    if missing := [one.package for one in asked if not installed(one)]:
        raise UsageError(
            f"trackers names {' and '.join(missing)}, not installed here: pip install {' '.join(missing)}, "
            "or leave it out of `trackers`; metrics.jsonl and report.html are always written"
        )
