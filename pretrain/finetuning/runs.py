"""One run: one arm with one seed, trained (if there is something to train) and scored on the test rows."""

import math
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from corpora.artefact import Draft
from corpora.labelled import Row
from corpora.reporter import Reporter
from corpora.settings import Items, Settings
from corpora.stage import JSON
from pretrain.finetuning import heads
from pretrain.finetuning.baselines import tfidf
from pretrain.finetuning.loop import fit, measured, predict
from pretrain.finetuning.material import Checkpoint, Material
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.robustness import Attacked, Attacker
from pretrain.finetuning.settings import Finetune
from pretrain.randomness import torch_seed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Arm = Literal["pretrained", "start", "random_init", "tfidf"]

TITLES: dict[Arm, str] = {
    "pretrained": "pre-trained",
    "start": "starting checkpoint",
    "random_init": "random init",
    "tfidf": "TF-IDF + logistic regression",
}


class Cell(Settings):
    """One arm with one seed: a cell of the comparison, made or to be made."""

    arm: Arm
    seed: int | None  # None: the arm draws nothing

    @property
    def name(self) -> str:
        """`pretrained-0`, `tfidf`: its column in `predictions.tsv`."""
        return self.arm if self.seed is None else f"{self.arm}-{self.seed}"

    @property
    def part(self) -> str:
        """Where the finished run is written: with this file, it counts as finished."""
        return f"runs/{self.name}.json"

    @property
    def weights(self) -> str:
        """Where the fine-tuned network waits until it is known whether it is the best."""
        return f"weights-{self.name}"

    @property
    def clock(self) -> str:
        """Where the CPU time waits that it took, for comparisons: it is in no finished artefact."""
        return f"clock-{self.name}.json"


class Run(Cell):
    """A cell that was made."""

    losses: Items[float] = ()  # mean training loss of each epoch
    dev: Items[Measures] = ()  # after each epoch; empty without dev rows
    chosen: int = 0  # the epoch that was scored, from 0
    skipped: int = 0  # steps not applied, their loss or gradient not being finite
    passes: float | None = None  # of plain training (a forward, a backward pass) that a step cost, on average
    test: Measures
    attacked: dict[str, Attacked] = Field(default_factory=dict)  # by the name of the attack
    answers: Items[JSON]  # to each test row, as its task gives them

    @property
    def constant(self) -> bool:
        """Whether every test row got the same answer, and not the right one: nothing was learnt."""
        right = next(iter(self.test.values()), 0.0) == 1
        return not right and all(answer == self.answers[0] for answer in self.answers)


def cells(config: Finetune) -> list[Cell]:
    """All cells of the comparison, the checkpoint's own first."""
    start: list[Arm] = ["start"] if config.start else []
    trained: list[Arm] = ["pretrained", *start, *(arm for arm in config.beside if arm != "tfidf")]
    drawn = [Cell(arm=arm, seed=seed) for arm in trained for seed in config.seeds]
    return [*drawn, Cell(arm="tfidf", seed=None)] if "tfidf" in config.beside else drawn


def train_run(
    cell: Cell,
    seed: int,
    config: Finetune,
    material: Material,
    attackers: Sequence[Attacker],
    out: Draft,
    reporter: Reporter,
) -> tuple[Run, "PreTrainedModel"]:
    """Fine-tune a network, score and attack it; the part `clock` is written.

    Arms differ in the encoder's first weights, nothing else.
    """
    with torch.random.fork_rng():  # leaves the caller's generator as it was
        torch.manual_seed(torch_seed(seed, "initialisation", 0))
        checkpoint = material.start if cell.arm == "start" and material.start else material.model
        network = heads.build(checkpoint.network, config.task.head)
        if cell.arm != "random_init":
            heads.fill(network, checkpoint.place)
        network.to(material.device)  # type: ignore[arg-type]
        what = f"{TITLES[cell.arm]}, seed {seed}"
        began = time.process_time()
        special_ids = checkpoint.tokenizer.all_special_ids
        fitted = fit(network, checkpoint.train, checkpoint.dev, config, seed, reporter, what, special_ids)
        steps = math.ceil(len(checkpoint.train) / config.batch) * len(fitted.losses)
        out.write_json(cell.clock, {"steps": steps, "cpu_seconds": round(time.process_time() - began, 3)})
    test = checkpoint.test
    answers = config.task.answers(predict(network, test, config.task), test)
    attacked = {
        one.name: one.run(test.rows, seed, partial(_ask, network, checkpoint, config))
        for one in reporter.track(attackers, f"{what}: attacks")
    }
    run = Run(
        arm=cell.arm,
        seed=seed,
        test=config.task.measures(test.rows, answers, test.known) | _further(network, checkpoint, config),
        attacked=attacked,
        answers=tuple(answers),
        **vars(fitted),
    )
    return run, network


def _further(network: "PreTrainedModel", checkpoint: Checkpoint, config: Finetune) -> Measures:
    """Scores of the further rows, as details: `mismatched/accuracy`."""
    scored = {name: measured(network, rows, config.task) for name, rows in checkpoint.others.items()}
    return {f"{name}/{what}": value for name, scores in scored.items() for what, value in scores.items()}


def _ask(
    network: "PreTrainedModel", checkpoint: Checkpoint, config: Finetune, rows: Sequence[Row]
) -> NDArray[np.float32]:
    """Class scores of rows as this network's tokenizer reads them, (rows, classes)."""
    encoded = config.task.encode(rows, checkpoint.test.known, checkpoint.tokenizer, config.length)
    return np.stack(predict(network, encoded, config.task))


def tfidf_run(config: Finetune, material: Material) -> Run:
    """The TF-IDF baseline on the same rows."""
    answers = tfidf(material.rows).tolist()
    test = config.task.measures(material.rows.test, answers, material.rows.labels)
    return Run(arm="tfidf", seed=None, test=test, answers=tuple(answers))
