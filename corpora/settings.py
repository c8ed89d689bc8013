"""Frozen, strict settings: what a recipe's YAML becomes, and what every part of the code is configured by."""

from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict


class Settings(BaseModel):
    """A frozen value. Unknown keys, numbers in quotes, NaN and infinity are errors.

    The docstring under a field is its meaning in `maskwright explain`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


Item = TypeVar("Item")

Items = Annotated[tuple[Item, ...], Strict(False)]
"""A YAML list: frozen once read. (Strict validation would take Python tuples only.)"""


def named(tag: str) -> BeforeValidator:
    """Let a bare word choose a member of a family: `segmenter: jieba` for `segmenter: {name: jieba}`."""

    def expand(value: object) -> object:
        return {tag: value} if isinstance(value, str) else value

    return BeforeValidator(expand)
