"""Characters without meaning: controls, byte order marks, U+FFFD, direction marks, private use."""

import re
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from corpora.document import Document
from corpora.settings import Settings

MEANINGLESS = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # C0 and C1 controls, except those that are white space
    "\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"  # invisible: soft hyphen, zero width, direction
    "\ufff9-\ufffb\ufffd-\uffff"  # annotation marks, the replacement character, non-characters
    "\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff"  # half a pair; private use: one font's own signs
    "]+"
)
"""Zero-width joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji are written with them."""


class ControlCharacters(Settings):
    """Removes meaningless characters; drops a document that largely consists of them, for it is not text."""

    name: Literal["control_characters"] = "control_characters"
    """Remove controls, byte order marks, U+FFFD, direction marks and private-use characters."""

    most: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Drop a document (reason: binary) of which more than this share of characters is removed."""

    def apply(self, document: Document) -> Document | str:
        """The document without them, or "binary"."""
        text, found = MEANINGLESS.subn("", document.text)
        if not found:
            return document
        removed = len(document.text) - len(text)
        return "binary" if removed > self.most * len(document.text) else replace(document, text=text)
