"""TensorBoard beside `metrics.jsonl`: the same rows, in `tensorboard/` of the run's folder."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOT_CURVES = frozenset({"step", "seconds"})


class TensorBoard:
    """Writes rows that have a step. Without the package (extra `track`) it writes nothing."""

    def __init__(self, folder: Path, stage: str) -> None:
        """Write below `folder`; no file is made before the first row."""
        self._place = folder / "tensorboard" / stage
        self._writer: Any = None  # a SummaryWriter, which has no types
        self._resumed_after: int | None = None

    def rewind(self, step: int) -> None:
        """Hide what was written after `step`: training goes on from there."""
        self._resumed_after = step

    def add(self, row: Mapping[str, float | int | str]) -> None:
        """Write the numbers of one row at its step."""
        if "step" not in row or find_spec("tensorboard") is None:
            return
        if self._writer is None:
            self._writer = self._open()
        for name, value in row.items():
            if name not in NOT_CURVES and not isinstance(value, str):
                self._writer.add_scalar(name, value, int(row["step"]))
        self._writer.flush()

    def _open(self) -> Any:  # noqa: ANN401 - see above
        from torch.utils.tensorboard import SummaryWriter

        after = self._resumed_after
        purge = after + 1 if after is not None and self._place.exists() else None
        return SummaryWriter(str(self._place), purge_step=purge)
