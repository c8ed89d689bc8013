"""TensorBoard's own reader finds what was written."""

from pathlib import Path

import pytest

from pretrain.tracking import TensorBoard

pytest.importorskip("tensorboard")


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard" / "train"))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_numbers_are_written_at_their_steps_and_text_is_not(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, "train")
    board.add({"stage": "train", "step": 10, "loss": 8.5, "seconds": 1.0})
    board.add({"stage": "train", "step": 20, "loss": 6.5, "seconds": 2.0})
    board.add({"stage": "train", "loss": 1.0})
    assert read(tmp_path) == {"loss": [(10, 8.5), (20, 6.5)]}


def test_what_came_after_the_checkpoint_is_hidden_by_a_resume(tmp_path: Path) -> None:
    first = TensorBoard(tmp_path, "train")
    for step in (10, 20, 30):
        first.add({"step": step, "loss": float(step)})
    second = TensorBoard(tmp_path, "train")
    second.rewind(20)
    second.add({"step": 30, "loss": 0.5})
    assert read(tmp_path) == {"loss": [(10, 10.0), (20, 20.0), (30, 0.5)]}


def test_no_row_no_file(tmp_path: Path) -> None:
    TensorBoard(tmp_path, "train").rewind(5)
    assert list(tmp_path.iterdir()) == []
