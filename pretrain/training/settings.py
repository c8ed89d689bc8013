"""Settings of the stage `train`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, Strict, model_validator

from corpora.errors import UsageError
from corpora.settings import Items, Settings, named
from corpora.stage import Aside, Reads, StageSettings
from pretrain.adversarial import Alum, Pretraining
from pretrain.adversarial.ball import RowBall
from pretrain.adversarial.smoothness import CLEAR
from pretrain.intervals import Interval, seconds_of
from pretrain.masking import Masking, WholeWordMasking
from pretrain.networks.generators import Generator
from pretrain.networks.network import Model
from pretrain.networks.weights import GENERATOR
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW, Optimizer
from pretrain.replacement import BertReplacement, Replacement
from pretrain.schedules import Linear, Schedule
from pretrain.tracking import TensorBoard, Tracker
from tokenization.pretrained import Pretrained

Count = Annotated[int, Field(ge=1)]
Stretch = Annotated[tuple[Count, Count], Strict(False)]
"""First and last step, both included."""

CPU_TOKENS = 1 << 13
"""Tokens of a micro-batch on a CPU: matrix products are at full speed from a tenth of it, and the logits of
the predicted ones (15 %, by 30,000 tokens of vocabulary) stay under 200 MB."""

MADE_HERE = {
    "bf16": "speed.precision",
    "fp16": "speed.precision",
    "torch_autocast": "speed.precision",
    "gradient_accumulation_steps": "speed.micro_batch",
    "train_batch_size": "batch",
    "train_micro_batch_size_per_gpu": "speed.micro_batch",
    "optimizer": "optimizer",
    "scheduler": "schedule",
}
"""Keys of DeepSpeed that would work against our own settings -> the setting to use."""


class Speed(Settings):
    """What changes speed and memory, and the result by no more than chance.

    Without dropout the result changes by rounding alone: of other sums, and of bf16. With dropout, another
    number of processes or another micro_batch draws other dropout masks, as another seed would.
    """

    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    """bf16 and fp16 run the network under autocast; weights, moments and losses stay float32. fp16 scales the
    loss, and is for GPUs without bf16."""

    zero: Annotated[int, Field(ge=0, le=3)] = 0
    """ZeRO stage: what is sharded over the processes. 1: moments, 2: gradients too, 3: weights too."""

    offload: Literal["none", "optimizer", "parameters"] = "none"
    """What waits in the CPU's memory: the optimizer's moments and its update (with zero 1 to 3), or the
    weights too (with zero 3). It makes room on a GPU, and costs time."""

    processes: Count | None = None
    """Processes to start on this machine; left out, one for each GPU, or one. A launcher's count wins."""

    micro_batch: Count | Literal["auto"] = "auto"
    """Rows that a device works on at once. auto: as many as fit a GPU's memory, tried before the first step
    and halved where memory runs out later; on a CPU, about 8,192 tokens. Each micro-batch has dropout masks
    of its own."""

    compile: bool = False
    """Compile the encoder by torch.compile: faster after minutes of compiling; the result changes by
    rounding, and by other dropout masks. A resume compiles anew, and is equal to rounding."""

    checkpoint_activations: bool = False
    """Keep no activations inside layers, and compute them again in the backward pass: less memory, a third
    more time."""

    async_save: bool | None = None
    """Write checkpoints beside training, from a copy in the CPU's memory; left out, on a GPU only."""

    timeout_minutes: Annotated[float, Field(gt=0)] = 10.0
    """Processes wait so long for each other before the rest are taken for dead."""

    @model_validator(mode="after")
    def _agree(self) -> "Speed":
        """Refuse what DeepSpeed cannot do."""
        needed = {"none": 0, "optimizer": 1, "parameters": 3}[self.offload]
        if self.zero < needed:
            wanted = "3" if needed == 3 else "1, 2 or 3"
            raise ValueError(f"offload: {self.offload} needs zero {wanted}, but zero is {self.zero}")
        if self.compile and self.zero == 3:
            raise ValueError(
                "compile: true needs zero 0, 1 or 2: what zero 3 does in each layer does not compile"
            )
        return self


class Train(StageSettings):
    """Train a network on token sequences."""

    makes: ClassVar[str] = "checkpoint"
    format: ClassVar[int] = 2

    kind: Literal["train"] = "train"
    """Training."""

    data: Annotated[str | None, Reads("tokens")] = None
    """Token set to learn from."""

    lexicon: Annotated[str | None, Reads("lexicon", required=False)] = None
    """Similar words, for replacements that use them."""

    start: Annotated[str | None, Reads("checkpoint", required=False, unfinished=True)] = None
    """Earlier training stage, or the folder of one in a store of runs, finished (checkpoint-0123...) or not
    (checkpoint-0123....partial), whose weights to start from."""

    start_step: Count | None = None
    """Step of `start` to fork from, one of those it kept; left out, the last one of a finished stage."""

    start_optimizer: bool = False
    """Take over the optimizer's moments of `start` too."""

    start_progress: bool = False
    """Count on where `start` stood: its step, its place in the data and on the schedule; `steps` then counts
    its steps too. Otherwise data and schedule begin anew."""

    from_pretrained: Annotated[Pretrained, named("path")] | None = None
    """Hugging Face folder or hub name whose weights to start from; {path: ..., revision: ...} pins one."""

    model: Model | None = None
    """A network from scratch; with the objective electra, the discriminator."""

    generator: Generator | None = None
    """The generator of the objective electra. Left out: of a quarter of the width, beside `model`; the one in
    the folder `generator` of `from_pretrained`, as an export has it; that of `start`."""

    head_warmup: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
    """Steps that train the heads alone before the first step, the rest of a network that goes on frozen.
    `auto`: heads that say no more than the most frequent token, until they get no better, for 1,000 steps or
    `steps` at most; 0: none. With the objective electra there are none: a generator and a discriminator learn
    together from the first step on, which schedule.warmup_steps makes gentle."""

    data_seed: Annotated[int | None, Field(ge=0)] = None
    """Seed of the order of rows and of the held-out masks; left out, the recipe's `data_seed`."""

    cross_document: bool = False
    """Let documents of one row see each other, as in the original RoBERTa; else each is read as if it stood
    alone, its positions counted from its own first token."""

    masking: Masking = WholeWordMasking()
    """Which positions are to be predicted."""

    replacement: Replacement = BertReplacement()
    """What stands at them."""

    objectives: Objectives
    """What the network is asked, with weights: {mlm: 1.0, sop: 1.0}."""

    adversarial: Pretraining | None = None
    """Train against an adversary that moves embeddings: alum, freelb, pgd, or {method: alum, weight: 1.0}.
    Left out, train plainly."""

    optimizer: Optimizer = AdamW()
    """How gradients become steps."""

    schedule: Schedule = Linear()
    """The learning rate over the updates."""

    clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest global norm of the gradient; 0: no bound."""

    batch: Count
    """Rows a step, over all devices."""

    steps: Count
    """Steps to train for; with `hours`, at most."""

    hours: Annotated[float, Field(gt=0)] | None = None
    """Train for so many hours, measurements and saves included, over all restarts. The schedule takes the
    pace so far for the pace to come, and so ends with them. What is learnt then depends on the machine and
    its clock: no second run gives the same bytes. The log holds the schedule's factor of each step."""

    skip: Items[Stretch] = ()
    """Steps to leave out, [[first, last], ...] as in the log: their rows are not read, the schedule does not
    move. For a fork (start_progress) that passes by what made its original spike."""

    patience: Count = 10
    """Steps in a row that may be skipped for a loss or gradient that is no number, before training stops."""

    spike: Annotated[float | None, Field(gt=0), Aside()] = 6.0
    """Name the documents of a step whose loss is so many standard deviations above the running mean."""

    save_every: Annotated[Interval, Aside()] = 1000
    """Steps between checkpoints; or a time, such as "30 minutes"."""

    keep_last: Annotated[Count, Aside()] = 2
    """Checkpoints to keep, the newest ones."""

    keep_every: Annotated[Count | None, Aside()] = None
    """Keep, besides, those at multiples of so many steps."""

    keep_best: Annotated[str | None, Aside()] = None
    """Keep, besides, the best one by a measure on held-out rows: an objective (mlm: the lowest loss) or its
    accuracy (mlm_accuracy: the highest). It is saved when it is measured, see evaluate_every."""

    log_every: Annotated[Count, Aside()] = 10
    """Steps whose means make one line of the log."""

    evaluate_every: Annotated[Count | None, Aside()] = None
    """Steps between measurements on held-out rows; left out, only at the end."""

    evaluate_rows: Annotated[Count, Aside()] = 1024
    """Held-out rows to measure on, at most."""

    trackers: Annotated[Items[Tracker], Aside()] = (TensorBoard(),)
    """Who is shown what is measured: tensorboard, wandb, trackio, swanlab, or {name: wandb, project: ...}."""

    deepspeed: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Keys of DeepSpeed's own configuration, laid over the one that is made from this recipe; they may change
    the result."""

    speed: Annotated[Speed, Aside()] = Speed()
    """What changes speed, and the result by no more than chance."""

    def rows_at_once(self, world: int, length: int) -> int:
        """Most rows of up to `length` tokens in one micro-batch, where `world` processes share a step.

        With micro_batch: auto, those of a CPU; a GPU's follow from its memory.
        """
        if self.speed.micro_batch != "auto":
            return self.speed.micro_batch
        return min(-(-self.batch // world), max(1, CPU_TOKENS // length))

    def leaves_out(self, step: int) -> bool:
        """Whether `skip` names this step, counted from 0."""
        return any(first <= step + 1 <= last for first, last in self.skip)

    def refuse_more_than_rows(self, world: int) -> None:
        """Each process needs a row of every step.

        Raises:
            UsageError: there are more processes.
        """
        if world > self.batch:
            raise UsageError(
                f"batch is {self.batch}, and {world} processes share it: each needs a row of every step; "
                "raise batch, or start fewer processes"
            )

    def outside(self) -> Sequence[Path]:
        """Files that decide the masks, and those of Hugging Face folders to start from."""
        kept = (".json", ".safetensors", ".bin")
        places = (self.from_pretrained, self.generator_place)
        return *self.masking.files(), *(file for place in places if place for file in place.files(kept))

    @property
    def generator_place(self) -> Pretrained | None:
        """Where a generator that goes on comes from, but for that of `start`; None: there is none."""
        if not self.objectives.pairs_networks:
            return None
        if self.generator is None and self.from_pretrained and (folder := self.from_pretrained.folder()):
            inside = folder / GENERATOR
            return Pretrained(path=str(inside)) if inside.is_dir() else None
        return self.generator.from_pretrained if self.generator else None

    @model_validator(mode="after")
    def _agree(self) -> "Train":
        """Refuse what is right alone and wrong together."""
        given = [name for name in ("model", "start", "from_pretrained") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"one of `model`, `start` and `from_pretrained` says what to train; got {found}")
        if self.start is None and (self.start_step or self.start_optimizer or self.start_progress):
            raise ValueError(
                "start_step, start_optimizer and start_progress belong to `start`: name what to start from"
            )
        if self.start and self.start.endswith(".partial") and not self.start_step:
            raise ValueError(f"{self.start} is not finished: say its step to fork from by start_step")
        if (need := self.schedule.least_steps) > self.steps:
            what = "warmup_steps" if need == self.schedule.warmup_steps else "warmup_steps with cooldown"
            raise ValueError(f"schedule.{what} is {need}, but training ends after {self.steps}")
        if self.masking.settled > self.steps:
            raise ValueError(
                f"masking.budget changes until step {self.masking.settled}, but training ends after "
                f"{self.steps}: let it end sooner, or give it one rate, such as 0.15"
            )
        if wrong := [key for key in self.deepspeed if key in MADE_HERE]:
            raise ValueError(f"deepspeed.{wrong[0]} is made from {MADE_HERE[wrong[0]]}: set that instead")
        if self.optimizer.name == "lamb" and self.speed.zero:
            raise ValueError("lamb needs every tensor whole: set speed.zero to 0, or use adamw")
        for first, last in self.skip:
            if not first <= last < self.steps:
                raise ValueError(
                    f"skip: [{first}, {last}] is no stretch of steps before the last one, {self.steps}"
                )
        return self

    @model_validator(mode="after")
    def _oppose(self) -> "Train":
        """Refuse an adversary that would never come, or not see where to go."""
        adversary = self.adversarial
        if adversary is None:
            return self
        if adversary.start_step >= self.steps:
            raise ValueError(
                f"adversarial.start_step is {adversary.start_step}, but training ends after {self.steps}"
            )
        if isinstance(adversary, Alum) and not adversary.climbs_in(self.speed.precision):
            raise ValueError(
                f"adversarial.ascent_precision: training cannot see in {self.speed.precision} where a "
                "divergence climbs from noise this small (its cosine to the true gradient is near 0): set it "
                f"to auto or fp32, or noise_scale to {CLEAR} or more with unit: embedding"
            )
        if isinstance(adversary, RowBall) and adversary.unit == "word" and self.speed.zero == 3:
            raise ValueError(
                "adversarial.unit: word is measured on the whole word table, which zero 3 keeps in pieces: "
                "set unit to absolute, and step_size, epsilon and noise_scale with it, or zero to 2"
            )
        return self

    @model_validator(mode="after")
    def _pair(self) -> "Train":
        """Refuse what does not go with two networks, or with one."""
        if not self.objectives.pairs_networks:
            if self.generator:
                raise ValueError(
                    "generator is that of the objective electra: add {electra: 50} to objectives"
                )
            return self
        if isinstance(self.head_warmup, int) and self.head_warmup:
            raise ValueError(
                "head_warmup trains heads alone, and electra's learn with their networks: leave it out; "
                "schedule.warmup_steps is what spares a trained encoder"
            )
        if self.adversarial and self.adversarial.everywhere:
            raise ValueError(
                "adversarial.scope: all asks a masked-LM head of every token, and what is regularised beside "
                "electra is the discriminator, which judges all of them anyway: leave scope out"
            )
        return self

    @model_validator(mode="after")
    def _keep(self) -> "Train":
        """Refuse wishes for checkpoints that could not be met."""
        if self.keep_every and seconds_of(self.save_every):
            raise ValueError(
                "keep_every counts steps, and few of those saved by the clock would be multiples of it: "
                "give save_every in steps"
            )
        if self.keep_best:
            asked = self.objectives.active()
            known = [*asked, *(f"{name}_accuracy" for name in asked)]
            if self.keep_best not in known:
                raise ValueError(f"keep_best: {self.keep_best!r} is none of {', '.join(known)}")
            if self.evaluate_every is None:
                raise ValueError("keep_best needs measures to go by: set evaluate_every")
        return self
