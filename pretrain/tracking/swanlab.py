"""SwanLab, hosted or local."""

from typing import ClassVar, Literal, cast

from corpora.settings import Settings
from pretrain.tracking.tracker import Curves, Tracked


class SwanLab(Settings):
    """SwanLab; who is logged in, and where the server is, its own variables say."""

    package: ClassVar[str] = "swanlab"
    rewinds: ClassVar[bool] = False

    name: Literal["swanlab"] = "swanlab"
    """SwanLab."""

    project: str = "maskwright"
    """Project that the run is shown in."""

    workspace: str | None = None
    """User or organization; left out, your own."""

    mode: Literal["online", "local", "offline"] | None = None
    """`local` and `offline` write below the run's folder, and begin a new run where training goes on; left
    out, as SWANLAB_MODE says, or online."""

    def open(self, run: Tracked) -> Curves:
        """The run, found again by its id where the server keeps it."""
        import swanlab

        found_again = {"id": run.id, "resume": "allow"} if self.mode in (None, "online") else {}
        opened = swanlab.init(
            project=self.project,
            workspace=self.workspace,
            mode=self.mode,
            log_dir=str(run.folder / "swanlab"),
            name=f"{run.run}/{run.stage}",
            config=dict(run.settings),
            reinit=True,
            **found_again,
        )
        return cast(Curves, opened)
