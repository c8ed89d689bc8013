"""What training does when a number is out of the ordinary: tell which rows it was, or give up.

A step without a finite loss and gradient was not applied; here it is named. After `patience` of them in a row
the run ends, and leaves a bundle (`pretrain.training.bundle`). A loss that leaps up is applied, its documents
named.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData, Diverged
from corpora.reporter import Reporter
from corpora.stage import JSON
from pretrain.adversarial.health import is_adversarial
from pretrain.documents import names
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.training.bundle import Bundle
from pretrain.training.checkpoints import Progress, steps
from pretrain.training.settings import Train
from pretrain.training.trend import Trend

Row = dict[str, JSON]
"""A line of the log."""


@dataclass(frozen=True)
class Guard:
    """Looks at each step of a session after it was taken. All ranks hold one; rank 0 alone speaks."""

    config: Train
    engine: Engine
    loader: Loader
    inputs: Mapping[str, Artefact]
    out: Draft
    reporter: Reporter

    def spike(self, step: int, trend: Trend, loss: float) -> Row | None:
        """What to log of a loss far above those before it; None if it is not. `step` counts from 1."""
        if self.config.spike is None or self.engine.ranks.number or not trend.spike(loss, self.config.spike):
            return None
        sigmas = (loss - trend.mean) / trend.sigma
        named = names(self.inputs["data"], self.loader.samples(step - 1))
        self.reporter.say(
            f"step {step:,}: loss {loss:.3f} is {sigmas:.1f} sigma above its mean of {trend.mean:.3f}; "
            f"its documents: {few([one for some in named.values() for one in some])}"
        )
        return {"step": step, "spike": loss, "sigmas": sigmas, "documents": named}

    def examined(self, step: int, found: Mapping[str, float], log: Sequence[str]) -> Row:
        """What to log of what a perturbation does; said aloud when it begins to do no more than chance."""
        if not is_adversarial(found) and self.engine.ranks.number == 0:
            before = next((json.loads(line) for line in reversed(log) if '"kl_delta"' in line), None)
            if before is None or is_adversarial(before):
                self.reporter.say(
                    f"step {step:,}: this run is not adversarial: the perturbation moves predictions hardly "
                    f"more (KL {found['kl_delta']:.3g}) than a random one of its size does "
                    f"({found['kl_random']:.3g}; dropout alone: {found['kl_zero']:.3g}); "
                    "see docs/adversarial.md"
                )
        return {"step": step, **found}

    def skipped(self, progress: Progress, asked: bool) -> Row:
        """What to log of a step that was not applied: its rows, of all ranks. `asked`: for any prediction."""
        rows = self.loader.samples(progress.step - 1).tolist()
        if self.engine.ranks.number == 0:
            self.reporter.say(f"{_what(progress, asked)}; rows {few(rows)}")
        return {"step": progress.step, "skipped": progress.skipped_in_a_row, "rows": rows}

    def give_up(self, progress: Progress, asked: bool, micro_batch: int, learning_rate: float) -> NoReturn:
        """End a run of which `patience` steps in a row could not be applied.

        Raises:
            Diverged: their loss or gradient was not finite.
            BadData: there was nothing to predict.
        """
        if not asked:
            raise BadData(
                f"{_what(progress, asked)}. Look at the rows in the log: are their tokens all unknown?"
            )
        saved = steps(self.out.parts()) if self.engine.ranks.number == 0 else []
        bundle = Bundle.of(
            self.config,
            self.inputs,
            self.loader,
            progress,
            world=self.engine.ranks.world,
            micro_batch=micro_batch,
            learning_rate=learning_rate,
            checkpoint=max(saved, default=None),
            loss_scale=self.engine.loss_scale,
        )
        place = bundle.write(self.out, self.engine)
        raise Diverged(
            f"{_what(progress, asked)}. To see where it begins: maskwright replay {place} ; "
            f"the weights are those before it; lower optimizer.lr ({learning_rate:.2g} here), lengthen "
            "schedule.warmup_steps, or fork from a step before it that leaves these out (`start`, `skip`)"
        )


def _what(progress: Progress, asked: bool) -> str:
    why = "its loss or gradient is not finite" if asked else "nothing in its rows is to be predicted"
    return f"step {progress.step:,} skipped ({progress.skipped_in_a_row} in a row): {why}"


def few(things: Sequence[object]) -> str:
    """The first of some things, for a line that a person reads."""
    return ", ".join(map(str, things[:8])) + (f", ... ({len(things)} in all)" if len(things) > 8 else "")
