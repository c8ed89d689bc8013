"""Checkpoints: parts of the draft, `step-00000250/` say: all that a resume needs, and a model that loads.

model.safetensors, config.json, the tokenizer's files     what `transformers` opens; of a pair, both networks
optimizer-RANK-of-RANKS.safetensors                       moments (see `moments`)
engine.json                                               loss scale, size of a micro-batch
progress.json, log.jsonl                                  where training stood, what it had said
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.manifest import canonical
from pretrain import tensors
from pretrain.batch import Masks
from pretrain.engine.deepspeed import Engine, Ranks, Setup
from pretrain.networks import weights
from pretrain.training.saving import Saver, whole
from pretrain.training.tally import Tally
from pretrain.training.trend import Trend

PREFIX = "step-"
PROGRESS, ENGINE, LOG = "progress.json", "engine.json", "log.jsonl"


@dataclass(frozen=True)
class Best:
    """The step that did best on held-out rows."""

    step: int
    measure: float


@dataclass(frozen=True)
class Progress:
    """Where training stands: beside weights and moments, all that the next step depends on."""

    step: int = 0  # windows consumed or left out
    updates: int = 0  # of them, those that were applied: what the schedule counts
    skipped_in_a_row: int = 0
    since: Tally = field(default_factory=Tally)  # since the last line of the log
    masks: Masks = field(default_factory=Masks)  # since the first step
    rate: float = 0.0  # learning rate of the last update
    trend: Trend = field(default_factory=Trend)  # of the loss
    best: Best | None = None
    seconds: float = 0.0  # trained for; counted under a time budget alone, no clock enters otherwise

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Progress":
        """Back from JSON; what an older version did not know is as at the start."""
        since = Tally(**values["since"] | {"masks": Masks.read(values["since"]["masks"])})
        best = values.get("best")
        nested = {
            "since": since,
            "masks": Masks.read(values["masks"]),
            "trend": Trend(**values.get("trend", {})),
            "best": Best(**best) if best else None,
        }
        return cls(**values | nested)


@dataclass(frozen=True)
class Saved:
    """A checkpoint read back, but for the weights and moments in `folder`."""

    folder: Path
    progress: Progress
    setup: Setup
    log: list[str]


def part(step: int) -> str:
    """The name of a step's checkpoint; names sort as steps do."""
    return f"{PREFIX}{step:08d}"


def steps(parts: Iterable[str]) -> list[int]:
    """The steps among the names of a draft's parts, ascending."""
    return sorted(int(name.removeprefix(PREFIX)) for name in parts if name.startswith(PREFIX))


def save(
    saver: Saver,
    engine: Engine,
    tokenizer: Path,
    progress: Progress,
    log: Sequence[str],
    then: Callable[[], None] = lambda: None,
) -> None:
    """Save all ranks' state as one part; `then` follows on rank 0 once it is safe. All ranks must call it.

    State and log are those of this moment, whenever the saver writes them.
    """
    state, said = engine.snapshot(), "".join(log)
    described = weights.describe(engine.network.model)

    def write(folder: Path) -> None:
        if engine.ranks.number == 0:
            weights.save(engine.network.model, state.weights, folder / weights.WEIGHTS)
            (folder / "config.json").write_text(described, "utf-8")
            shutil.copytree(tokenizer, folder, dirs_exist_ok=True)
            (folder / PROGRESS).write_text(canonical(asdict(progress)) + "\n", "utf-8")
            (folder / ENGINE).write_text(canonical(asdict(state.setup)) + "\n", "utf-8")
            (folder / LOG).write_text(said, "utf-8")
        if state.moments is not None:
            with whole(folder / state.files[engine.ranks.number]) as place:
                tensors.save(state.moments, place, state.whose)

    saver.save(part(progress.step), state.files, write, then)


def newest(out: Draft, ranks: Ranks) -> Saved | None:
    """The newest checkpoint of the draft, whose parts were verified when it was opened; None at the start."""
    found = steps(out.parts(PREFIX)) if ranks.number == 0 else []
    place = ranks.share(str(out.path / part(found[-1])) if found else "")
    return read(Path(place)) if place else None


def folder(checkpoint: Artefact, step: int | None = None) -> Path:
    """The folder of one step of a training stage, verified; of its last step by default.

    Raises:
        UsageError: that step was not kept.
    """
    return checkpoint.folder(part(chosen(checkpoint, step)))


def chosen(checkpoint: Artefact, step: int | None) -> int:
    """The step that is meant: `step`, or the last one.

    Raises:
        UsageError: that step was not kept.
    """
    kept = steps({name.partition("/")[0] for name in checkpoint.names(PREFIX)})
    wanted = kept[-1] if step is None else step
    if wanted not in kept:
        raise UsageError(f"{checkpoint.path} keeps no step {wanted}; it keeps {', '.join(map(str, kept))}")
    return wanted


def tokenizer_files(folder: Path) -> list[Path]:
    """The files of the tokenizer in a checkpoint's folder."""
    ours = {weights.WEIGHTS, "config.json", PROGRESS, ENGINE, LOG}
    files = (path for path in folder.iterdir() if path.name not in ours and path.suffix != ".safetensors")
    return sorted(files)


def read(folder: Path) -> Saved:
    """Read all of a checkpoint but weights and moments."""
    progress = Progress.read(json.loads((folder / PROGRESS).read_text("utf-8")))
    log = (folder / LOG).read_text("utf-8").splitlines(keepends=True)
    return Saved(folder, progress, Setup.read(folder / ENGINE), log)


def prune(
    out: Draft, keep_last: int, keep_every: int | None, regular: Callable[[int], bool], best: int | None
) -> None:
    """Drop old checkpoints, now that a newer one is safe: but the last few, every so many steps, the best.

    One that is not regular (a signal made it, or it was the best for a while) goes as soon as the next one is
    there, so that an interrupted run keeps the same steps as one that ran through.
    """
    older = steps(out.parts(PREFIX))[:-1]
    usual = [step for step in older if regular(step)]
    kept = {
        *usual[::-1][: keep_last - 1],  # the newest one is the last of those to keep
        *(step for step in usual if keep_every and step % keep_every == 0),
        best,
    }
    for step in set(older) - kept:
        out.discard(part(step))
