"""Length in characters, the unit that Chinese has; words are not counted."""

from typing import Annotated, Literal

from pydantic import Field

from corpora.document import Document
from corpora.settings import Settings


class Length(Settings):
    """Drops documents that are too short or too long to learn from."""

    name: Literal["length"] = "length"
    """Drop by length in characters."""

    least: Annotated[int, Field(ge=0)] = 2
    """Fewest characters of a document that is kept (reason: short)."""

    most: Annotated[int | None, Field(ge=1)] = None
    """Most characters of a document that is kept (reason: long); null is no bound."""

    def apply(self, document: Document) -> Document | str:
        """The document, or "short" or "long"."""
        length = len(document.text)
        if length < self.least:
            return "short"
        return "long" if self.most is not None and length > self.most else document
