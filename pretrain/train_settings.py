"""Settings of the stage `train`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from corpora.errors import UsageError
from corpora.settings import Settings, named
from corpora.stage import Reads, StageSettings
from pretrain.masking import Masking, WholeWordMasking
from pretrain.networks import Model
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW, Optimizer
from pretrain.replacement import BertReplacement, Replacement
from pretrain.schedules import Linear, Schedule
from tokenization.pretrained import Pretrained

Count = Annotated[int, Field(ge=1)]


class Speed(Settings):
    """What changes speed and memory, and the result by no more than chance.

    Without dropout the result changes by rounding alone: of other sums, and of bf16. With dropout, another
    number of processes or another micro_batch draws other dropout masks, as another seed would.
    """

    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16 runs the network under autocast, in 8 bits of precision; weights, moments, losses stay float32."""

    zero: Annotated[int, Field(ge=0, le=3)] = 0
    """ZeRO stage: what is sharded over the processes. 1: moments, 2: gradients too, 3: weights too."""

    processes: Count | None = None
    """Processes to start on this machine; left out, one for each GPU, or one. A launcher's count wins."""

    micro_batch: Count | None = None
    """Rows that a device works on at once; left out, its whole share of `batch`. Each micro-batch has dropout
    masks of its own."""


class Train(StageSettings):
    """Train a network on token sequences."""

    makes: ClassVar[str] = "checkpoint"

    kind: Literal["train"] = "train"
    """Training."""

    data: Annotated[str | None, Reads("tokens")] = None
    """Token set to learn from."""

    lexicon: Annotated[str | None, Reads("lexicon", required=False)] = None
    """Similar words, for replacements that use them."""

    start: Annotated[str | None, Reads("checkpoint", required=False)] = None
    """Earlier training stage, or the folder of a finished one, whose weights to start from."""

    start_step: Count | None = None
    """Step of `start` to fork from, one of those it kept; left out, its last one."""

    start_optimizer: bool = False
    """Take over the optimizer's moments of `start` too; the schedule begins anew either way."""

    from_pretrained: Annotated[Pretrained, named("path")] | None = None
    """Hugging Face folder or hub name whose weights to start from; {path: ..., revision: ...} pins one."""

    model: Model | None = None
    """A network from scratch."""

    data_seed: Annotated[int | None, Field(ge=0)] = None
    """Seed of the order of rows and of the held-out masks; left out, the recipe's `data_seed`."""

    masking: Masking = WholeWordMasking()
    """Which positions are to be predicted."""

    replacement: Replacement = BertReplacement()
    """What stands at them."""

    objectives: Objectives
    """What the network is asked, with weights: {mlm: 1.0, sop: 1.0}."""

    optimizer: Optimizer = AdamW()
    """How gradients become steps."""

    schedule: Schedule = Linear()
    """The learning rate over the updates."""

    clip: Annotated[float, Field(ge=0)] = 1.0
    """Largest global norm of the gradient; 0: no bound."""

    batch: Count
    """Rows a step, over all devices."""

    steps: Count
    """Steps to train for."""

    patience: Count = 10
    """Steps in a row that may be skipped for a loss or gradient that is no number, before training stops."""

    save_every: Count = 1000
    """Steps between checkpoints."""

    keep_last: Count = 2
    """Checkpoints to keep, the newest ones."""

    keep_every: Count | None = None
    """Keep, besides, those at multiples of so many steps."""

    log_every: Count = 10
    """Steps whose means make one line of the log."""

    evaluate_every: Count | None = None
    """Steps between measurements on held-out rows; left out, only at the end."""

    evaluate_rows: Count = 1024
    """Held-out rows to measure on, at most."""

    deepspeed: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Keys of DeepSpeed's own configuration, laid over the one that is made from this recipe; they may change
    the result."""

    speed: Speed = Speed()
    """What changes speed, and the result by no more than chance."""

    def rows_at_once(self, world: int) -> int:
        """Most rows of one micro-batch where `world` processes share a step."""
        return self.speed.micro_batch or -(-self.batch // world)

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
        """Files that decide the masks, and those of a Hugging Face folder to start from."""
        kept = (".json", ".safetensors", ".bin")
        return *self.masking.files(), *(self.from_pretrained.files(kept) if self.from_pretrained else ())

    @model_validator(mode="after")
    def _agree(self) -> "Train":
        """Refuse what is right alone and wrong together."""
        given = [name for name in ("model", "start", "from_pretrained") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"one of `model`, `start` and `from_pretrained` says what to train; got {found}")
        if self.start is None and (self.start_step is not None or self.start_optimizer):
            raise ValueError("start_step and start_optimizer belong to `start`; name the stage to start from")
        if self.schedule.warmup_steps > self.steps:
            raise ValueError(
                f"schedule.warmup_steps is {self.schedule.warmup_steps}, but training ends after {self.steps}"
            )
        if self.masking.settled > self.steps:
            raise ValueError(
                f"masking.budget changes until step {self.masking.settled}, "
                f"but training ends after {self.steps}"
            )
        if self.optimizer.name == "lamb" and self.speed.zero:
            raise ValueError("lamb needs every tensor whole: set speed.zero to 0, or use adamw")
        return self
