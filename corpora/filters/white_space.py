"""White space: one blank between words, one line end between paragraphs, none at the ends."""

import re
from dataclasses import replace
from typing import Literal

from corpora.document import Document
from corpora.settings import Settings

# Runs of two or more, or one that is neither blank nor LF. (`\s*\n\s*` takes quadratic time on many blanks.)
UNTIDY = re.compile(r"\s{2,}|[^\S \n]")


class WhiteSpace(Settings):
    """Every run of white space (U+3000, tab, CR, U+2028 too) becomes one LF if it has one, else one blank."""

    name: Literal["white_space"] = "white_space"
    """Runs of white space become one blank, or one line end."""

    def apply(self, document: Document) -> Document | str:
        """The document with tidy white space."""
        text = UNTIDY.sub(_tidy, document.text).strip()
        return document if text == document.text else replace(document, text=text)


def _tidy(run: re.Match[str]) -> str:
    return "\n" if "\n" in run[0] else " "
