"""What a run leaves behind that diverged: all it takes to see its last steps again, wherever that is tried.

A part of the stage's draft, `diverged-00000123/`: `bundle.json`, and the weights that those steps met. None
of the steps was applied, so they all met the same ones. (The checkpoint before them is older: what fails at
these weights need not fail there.) The newest bundle is kept, until training gets past it to its end.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.manifest import canonical
from corpora.stage import JSON
from pretrain.documents import names
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.networks import weights
from pretrain.training.checkpoints import Progress
from pretrain.training.settings import Train

PREFIX = "diverged-"
FILE = "bundle.json"


@dataclass(frozen=True)
class Bundle:
    """Some steps in a row that could not be applied."""

    settings: Mapping[str, JSON]  # of the stage, every default written out
    inputs: Mapping[str, str]  # role -> folder of the artefact
    steps: Sequence[int]  # counted from 1, as in the log
    rows: Mapping[str, Sequence[int]]  # step -> row numbers in the token set, of all processes
    documents: Mapping[str, Sequence[str]]  # row -> its documents
    world: int  # processes that shared the steps
    micro_batch: int
    learning_rate: float
    checkpoint: int | None  # the newest step that was saved before; None: there was none
    loss_scale: float = 1.0  # that gradients had in fp16; of older bundles it is not known

    @classmethod
    def of(
        cls,
        config: Train,
        inputs: Mapping[str, Artefact],
        loader: Loader,
        progress: Progress,
        **circumstances: Any,  # noqa: ANN401 - the fields that are not derived from these
    ) -> "Bundle":
        """Of the last steps that were taken, none of which was applied."""
        taken = (step for step in reversed(range(progress.step)) if not config.leaves_out(step))
        steps = list(islice(taken, progress.skipped_in_a_row))[::-1]
        rows = {str(step + 1): loader.samples(step) for step in steps}
        return cls(
            settings=config.model_dump(mode="json", round_trip=True, by_alias=True),
            inputs={role: str(artefact.path.absolute()) for role, artefact in inputs.items()},
            steps=[step + 1 for step in steps],
            rows={step: some.tolist() for step, some in rows.items()},
            documents=names(inputs["data"], np.concatenate(list(rows.values()))),
            **circumstances,
        )

    def write(self, out: Draft, engine: Engine) -> Path:
        """Make it a part of the draft, in the place of older ones. All ranks must call it; rank 0 writes."""
        part = f"{PREFIX}{self.steps[-1]:08d}"
        state = engine.weights()
        if engine.ranks.number == 0:
            clear(out)
            with out.fill(part) as folder:
                folder.mkdir()
                model = engine.network.model
                weights.save(model, state, folder / weights.WEIGHTS)
                (folder / "config.json").write_text(weights.describe(model), "utf-8")
                (folder / FILE).write_text(canonical(asdict(self)) + "\n", "utf-8")
        return out.path / part


def read(folder: Path) -> Bundle:
    """The bundle in a folder, all of its files verified.

    Raises:
        UsageError: it is no part of a training stage's draft.
        CorruptArtefact: it was changed since.
    """
    if not (folder / FILE).is_file():
        raise UsageError(
            f"{folder} is no bundle (it has no {FILE}): give the folder that the message of the run names, "
            f"{PREFIX}... below a checkpoint-....partial"
        )
    draft = Artefact.unfinished(folder.absolute().parent, "checkpoint")
    draft.file(f"{folder.name}/{FILE}")  # named by the journal, not only there
    return Bundle(**json.loads((draft.folder(folder.name) / FILE).read_bytes()))


def clear(out: Draft) -> None:
    """Remove all bundles."""
    out.discard(*out.parts(PREFIX))
