"""One spelling for one character: Unicode normal forms (UAX #15)."""

import unicodedata
from dataclasses import replace
from typing import Literal

from corpora.document import Document
from corpora.settings import Settings


class UnicodeForm(Settings):
    """Normalises characters that have several spellings.

    NFC composes accents and turns compatibility ideographs (U+F900 ...) into the unified ones; NFKC also
    makes full-width letters and digits half-width, ligatures letters and ² a 2, which changes what Chinese
    text looks like.
    """

    name: Literal["unicode_form"] = "unicode_form"
    """Unicode normal form."""

    form: Literal["NFC", "NFKC"] = "NFC"
    """NFC keeps what a reader sees; NFKC also unifies full and half width."""

    def apply(self, document: Document) -> Document | str:
        """The document in that form."""
        if unicodedata.is_normalized(self.form, document.text):
            return document
        return replace(document, text=unicodedata.normalize(self.form, document.text))
