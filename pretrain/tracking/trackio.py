"""Trackio: a local data base with a dashboard, or a Space on the Hugging Face hub."""

import contextlib
import io
from typing import ClassVar, Literal, cast

from corpora.settings import Settings
from pretrain.tracking.tracker import Curves, Tracked


class Trackio(Settings):
    """Trackio, on this machine (`trackio show`) or in a Space of the hub."""

    package: ClassVar[str] = "trackio"
    rewinds: ClassVar[bool] = False

    name: Literal["trackio"] = "trackio"
    """Trackio."""

    project: str = "maskwright"
    """Project that the run is shown in."""

    space: str | None = None
    """Space to send to, such as team/runs; left out, this machine's own data base."""

    def open(self, run: Tracked) -> Curves:
        """The run, found again by its name."""
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):  # how to open the dashboard, each time
            opened = trackio.init(
                project=self.project,
                name=f"{run.run}/{run.stage} {run.id}",
                space_id=self.space,
                config=dict(run.settings),
                resume="allow",
            )
        return cast(Curves, opened)
