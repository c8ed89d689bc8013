"""TensorBoard: event files in `tensorboard/STAGE` of the run's folder."""

from typing import Any, ClassVar, Literal

from corpora.settings import Settings
from pretrain.tracking.tracker import Curves, Tracked


class TensorBoard(Settings):
    """TensorBoard, in the run's own folder; without the package, a line says so and nothing is written."""

    package: ClassVar[str] = "tensorboard"
    rewinds: ClassVar[bool] = True

    name: Literal["tensorboard"] = "tensorboard"
    """TensorBoard."""

    def open(self, run: Tracked) -> Curves:
        """Event files that hide what former ones hold after the step that training goes on after."""
        from torch.utils.tensorboard import SummaryWriter

        place = run.folder / "tensorboard" / run.stage
        return _Events(SummaryWriter(str(place), purge_step=run.after + 1 if place.exists() else None))


class _Events:
    """A `SummaryWriter` (which has no types) that keeps nothing back."""

    def __init__(self, writer: Any) -> None:  # noqa: ANN401
        self._writer = writer

    def log(self, values: dict[str, float], *, step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def finish(self) -> None:
        self._writer.close()
