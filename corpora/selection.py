"""Which documents stay, and in which form: cleaning, what is kept out, deduplication, in this order."""

from collections.abc import Sequence
from dataclasses import replace

from corpora.deduplication import Seen
from corpora.document import Document, digest
from corpora.filters import Filter, canonical, clean
from corpora.labelled import LabelledData


class HeldOut:
    """The dev and test rows of labelled data, to be recognised in running text."""

    def __init__(self, data: Sequence[LabelledData]) -> None:
        """Load the rows and keep their digests.

        Raises:
            BadData: labelled data cannot be loaded.
        """
        loaded = [each.load() for each in data]
        self._digests = frozenset(digest(text) for rows in loaded for text, _ in (*rows.dev, *rows.test))

    def __len__(self) -> int:
        """How many different rows there are."""
        return len(self._digests)

    def has(self, text: str) -> bool:
        """Whether the text, or a line of it, is one of the rows (compared in canonical form)."""
        if not self._digests:
            return False
        form = canonical(text)
        return any(digest(part) in self._digests for part in {form, *form.split("\n")})


class Selection:
    """Chooses documents one by one; it remembers those that it has chosen, to know repeats."""

    def __init__(self, filters: Sequence[Filter], held_out: HeldOut, seen: Seen | None) -> None:
        """Choose by `filters`, without what is `held_out`, and only once if there is a `seen`."""
        self._filters, self._held_out, self._seen = filters, held_out, seen

    def choose(self, document: Document) -> Document | str:
        """The document as it is to be written, with an id, or the reason why it is not."""
        cleaned = clean(document, self._filters) if document.text.strip() else "empty"
        if isinstance(cleaned, str):
            return cleaned
        if not cleaned.text:
            return "empty"
        if self._held_out.has(document.text):  # as read: no choice of cleaning may hide a row
            return "excluded"
        identity = digest(cleaned.text)
        if self._seen is not None and not self._seen.first(identity):
            return "duplicate"
        return replace(cleaned, id=cleaned.id or identity)
