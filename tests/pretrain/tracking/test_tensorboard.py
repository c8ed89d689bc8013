"""TensorBoard's own reader finds what was written."""

from pathlib import Path

import pytest

from pretrain.board import Board
from pretrain.tracking.tensorboard import TensorBoard
from pretrain.tracking.tracker import Tracked

pytest.importorskip("tensorboard")


def board(folder: Path, after: int = 0) -> Board:
    made = Board([TensorBoard()], Tracked(folder, "run", "train", "", {}), lambda line: None)
    made.begin(after, after)
    return made


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard" / "train"))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_numbers_are_written_at_their_steps_and_text_is_not(tmp_path: Path) -> None:
    made = board(tmp_path)
    made.add({"stage": "train", "step": 10, "loss": 8.5, "seconds": 1.0})
    made.add({"stage": "train", "step": 20, "loss": 6.5, "seconds": 2.0})
    made.add({"stage": "train", "loss": 1.0})
    assert read(tmp_path) == {"loss": [(10, 8.5), (20, 6.5)]}


def test_what_came_after_the_checkpoint_is_hidden_by_a_resume(tmp_path: Path) -> None:
    first = board(tmp_path)
    for step in (10, 20, 30):
        first.add({"step": step, "loss": float(step)})
    second = board(tmp_path, after=20)
    second.add({"step": 30, "loss": 0.5})
    second.close()
    assert read(tmp_path) == {"loss": [(10, 10.0), (20, 20.0), (30, 0.5)]}
