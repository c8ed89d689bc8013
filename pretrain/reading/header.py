"""What a recipe says beside its stages."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from corpora.settings import Settings

Seed = Annotated[int, Field(ge=0)]
LONGEST_NAME = 120  # bytes; a folder's name may have 255, and our temporary folders add a few
_WORD = re.compile(r"[^\W_][\w.,=+~-]*")


class Input(Settings):
    """One thing that the user names on the command line, and that stages use as `$name`."""

    required: bool = False
    """Has to be given on the command line, unless there is a default."""

    default: Any = None
    """Its value when it is not given: anything that may stand where `$name` stands."""

    example: str = ""
    """A value to show in messages, with the quotes that a shell needs."""

    description: str = ""
    """What it is."""


class Header(Settings):
    """The keys of a recipe."""

    name: str
    """Name of the run and of its folder; left out, the recipe's file name. Overrides are appended to it."""

    description: str = ""
    """What the recipe does; its first line is shown by `maskwright recipes`."""

    seed: Seed = 0
    """Seed of initialisation, masks, dropout and fine-tuning."""

    data_seed: Seed = 0
    """Seed of shards, packing and lexicon, kept apart so that runs of two seeds can share their data."""

    extends: str | None = None
    """The recipe that this one changes: a shipped name, or a path from this file's folder."""

    inputs: dict[str, Input] = Field(default_factory=dict)
    """What the user names on the command line, as in text='wiki/*.jsonl.gz'; stages use it as `$text`."""

    stages: Annotated[dict[str, Any], Field(min_length=1)]
    """The stages in order, by name; `kind` says what each one does."""

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not _WORD.fullmatch(name) or len(name.encode()) > LONGEST_NAME:
            raise ValueError(
                f"'{name}' cannot name a folder; wanted letters, digits and .,=+~-_ after a letter or digit, "
                f"{LONGEST_NAME} bytes at most"
            )
        return name
