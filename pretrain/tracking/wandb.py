"""Weights & Biases, hosted or offline."""

from typing import ClassVar, Literal, cast

from corpora.settings import Settings
from pretrain.tracking.tracker import Curves, Tracked


class Wandb(Settings):
    """Weights & Biases; who is logged in, and where the server is, its own variables say."""

    package: ClassVar[str] = "wandb"
    rewinds: ClassVar[bool] = False  # only in a preview, and on its own cloud alone

    name: Literal["wandb"] = "wandb"
    """Weights & Biases."""

    project: str = "maskwright"
    """Project that the run is shown in."""

    entity: str | None = None
    """User or team; left out, your own."""

    mode: Literal["online", "offline"] | None = None
    """`offline` writes below the run's folder, for `wandb sync`; left out, as WANDB_MODE says, or online."""

    def open(self, run: Tracked) -> Curves:
        """The run, found again by its id."""
        import wandb

        opened = wandb.init(
            project=self.project,
            entity=self.entity,
            mode=self.mode,
            dir=str(run.folder),
            id=run.id,
            name=f"{run.run}/{run.stage}",
            config=dict(run.settings),
            resume="allow",
            reinit="create_new",  # two stages of a recipe are two runs
            settings=wandb.Settings(console="off", silent=True),  # the terminal is ours
        )
        return cast(Curves, opened)
