"""A small set of stage kinds, so that reading recipes is tested apart from what the stages do."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from corpora.settings import Items, Settings, named
from corpora.stage import Reads, StageSettings


class Plain(Settings):
    """Every token alone."""

    strategy: Literal["plain"] = "plain"
    """One by one."""
    budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share to hide."""


class Runs(Settings):
    """Runs of words."""

    strategy: Literal["runs"] = "runs"
    """In runs."""
    budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share to hide."""
    lengths: Items[float] = (0.5, 0.5)
    """Shares of the lengths of runs."""


class Recipe(Settings):
    """A form with a name of its own."""

    train: str
    """What to train."""
    size: Annotated[int, Field(ge=1)] = 10
    """How many."""


Masking = Annotated[Plain | Runs, Field(discriminator="strategy"), named("strategy")]


class Read(StageSettings):
    """Read text."""

    makes: ClassVar[str] = "shards"
    kind: Literal["read"] = "read"
    """Reading."""
    paths: Items[str] = ()
    """What to read."""
    cleaning: Literal["none", "light"] | Items[Masking] = "none"
    """How to clean."""


class Learn(StageSettings):
    """Learn from text."""

    makes: ClassVar[str] = "checkpoint"
    kind: Literal["learn"] = "learn"
    """Learning."""
    data: Annotated[str | None, Reads("shards")] = None
    """The text."""
    start: Annotated[str | None, Reads("checkpoint", required=False)] = None
    """What to go on from."""
    masking: Masking = Plain()
    """What to hide."""
    tokenizer: str | Recipe = "some"
    """A folder, or how to make one."""
    micro_batch: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Rows at once."""
    labels: dict[str, float] = Field(default_factory=dict)
    """Weights of labels."""
    compile: bool = False
    """Whether to compile."""
    steps: Annotated[int, Field(ge=1)]
    """How long."""
    warmup: int = 0
    """How long to warm up."""

    @model_validator(mode="after")
    def _warm_up_ends(self) -> "Learn":
        if self.warmup > self.steps:
            raise ValueError(f"warmup is {self.warmup}, but training ends after {self.steps}")
        return self


KINDS: Mapping[str, type[StageSettings]] = {"read": Read, "learn": Learn}
