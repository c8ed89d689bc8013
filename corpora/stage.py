"""What every stage of a recipe shares: its settings' base, the roles it reads by, the report it returns.

A stage is a plain function `stage(config, inputs, out, reporter) -> Report` that fills the draft `out` from
the finished artefacts in `inputs` (by role). It keeps nothing, and equal arguments write equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field

from corpora.places import File
from corpora.settings import Settings

JSON: TypeAlias = Any
"""What `json` reads and writes. (A recursive union would be exact, at the price of a cast at every use.)"""


@dataclass(frozen=True)
class Reads:
    """Marks a settings field as a role: it names an earlier stage, or the folder of a finished artefact.

    Left out, a role is filled by the one earlier stage that makes `kind`; two candidates are an error.
    """

    kind: str
    required: bool = True
    unfinished: bool = False  # the folder may be a draft, of which finished parts are read
    instead: str = ""  # another field; where it is given, nothing fills the role


@dataclass(frozen=True)
class Aside:
    """Marks a settings field that says how fast, what is told or what is kept, never what is made or learnt.

    It stays out of the fingerprint: a stage is not made again for it, and goes on with another value.
    """


@dataclass(frozen=True)
class Report:
    """What a stage did. No clock times: the manifest holds this, and equal work must give equal bytes."""

    summary: str  # one line for a person
    facts: Mapping[str, JSON] = field(default_factory=dict)


class StageSettings(Settings):
    """Base of every stage's settings.

    `makes` is the kind of artefact; `format` is raised when equal settings would give other bytes.
    Fields marked `Aside` and roles stay out of the fingerprint, all others are part of it.
    """

    makes: ClassVar[str]
    format: ClassVar[int] = 1

    seed: Annotated[int | None, Field(ge=0)] = None
    """Seed of this stage's draws; left out, the recipe's `seed` (train, finetune) or `data_seed` (text)."""

    def outside(self) -> Sequence[File]:
        """Files read from outside the store, in reading order; their digests enter the fingerprint.

        Raises:
            BadData: one of them does not exist.
        """
        return ()


def roles_of(settings: type[StageSettings]) -> Mapping[str, Reads]:
    """The fields of a kind of stage that are roles."""
    fields = settings.model_fields.items()
    return {name: mark for name, field in fields for mark in field.metadata if isinstance(mark, Reads)}


def asides_of(settings: type[StageSettings]) -> frozenset[str]:
    """The fields of a kind of stage that say how fast, what is told or what is kept."""
    fields = settings.model_fields.items()
    return frozenset(name for name, field in fields if any(isinstance(m, Aside) for m in field.metadata))
