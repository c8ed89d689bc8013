"""Filters: document -> the document cleaned, or why it is dropped. The union is where members register.

A member is a frozen value with one pure method, `apply(document) -> Document | str`; a string is the reason,
one short word that reports and rejects are counted by.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from corpora.document import Document
from corpora.filters.control_characters import ControlCharacters
from corpora.filters.length import Length
from corpora.filters.unicode_form import UnicodeForm
from corpora.filters.white_space import WhiteSpace
from corpora.settings import Items, named

__all__ = [
    "Cleaning",
    "ControlCharacters",
    "Filter",
    "Length",
    "UnicodeForm",
    "WhiteSpace",
    "canonical",
    "clean",
    "filters_of",
]

Filter = Annotated[
    ControlCharacters | UnicodeForm | WhiteSpace | Length, Field(discriminator="name"), named("name")
]
Cleaning = Literal["none", "light"] | Items[Filter]

REPAIR = (ControlCharacters(), UnicodeForm(), WhiteSpace())
LIGHT = (*REPAIR, Length())


def filters_of(cleaning: Cleaning) -> Sequence[Filter]:
    """The filters of a recipe's `cleaning`: a preset by name, or the list itself."""
    if cleaning == "none":
        return ()
    return LIGHT if cleaning == "light" else cleaning


def clean(document: Document, filters: Sequence[Filter]) -> Document | str:
    """Apply filters in order; the first reason to drop the document ends it."""
    for member in filters:
        result = member.apply(document)
        if isinstance(result, str):
            return result
        document = result
    return document


def canonical(text: str) -> str:
    """The form in which two texts are compared: repaired as `light` does, binary rubbish as it is."""
    repaired = clean(Document(text=text, id=""), REPAIR)
    return text if isinstance(repaired, str) else repaired.text
