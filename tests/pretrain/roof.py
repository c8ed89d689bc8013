"""Toy stages and recipes for the tests of the roof: store, chain, folders, plans, reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData
from corpora.places import File
from corpora.settings import Settings
from corpora.stage import JSON, Aside, Reads, Report, StageSettings
from pretrain.recipe import Recipe, Role
from pretrain.running.chain import Link


class Speed(Settings):
    """How fast."""

    workers: int = 1


class Gather(StageSettings):
    """Reads a file."""

    makes: ClassVar[str] = "shards"
    kind: Literal["gather"] = "gather"
    text: str
    times: int = 1
    speed: Annotated[Speed, Aside()] = Speed()

    def outside(self) -> Sequence[File]:
        """The file."""
        if not Path(self.text).exists():
            raise BadData(f"there is no {self.text}")
        return [Path(self.text)]


class Learn(StageSettings):
    """Reads what `Gather` made."""

    makes: ClassVar[str] = "checkpoint"
    kind: Literal["learn"] = "learn"
    data: Annotated[str | None, Reads("shards")] = None
    steps: int = 10


def recipe(text: Path, steps: int = 10, times: int = 1, data: Role = "gather") -> Recipe:
    """Two stages, the second of which reads the first."""
    stages = {"gather": Gather(text=str(text), times=times), "learn": Learn(data=str(data), steps=steps)}
    return Recipe("toy", "two stages", 0, 0, stages, {"gather": {}, "learn": {"data": data}})


def finish(link: Link, facts: dict[str, JSON] | None = None) -> Artefact:
    """Put an artefact where a stage would."""
    draft = Draft.open(link.place, link.config.makes, link.fingerprint)
    draft.write_json("part", 1)
    return draft.commit(Report(f"{link.name} is made", facts or {}), link.identity)
