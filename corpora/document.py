"""The one thing that every reader yields, and the two hashes that identify a text.

`Document` is datatrove's own, so that its filters and executors take ours as they are. We use `text`, `id`
(the row's own id; left empty by a reader whose rows have none, and then filled in by sharding with the digest
of the cleaned text) and three keys of `metadata`: `source` (name of the recipe's source), `file` (name of the
file, without its folder: artefacts hold no machine's paths) and `line` (the 1-based line where the document
starts).
"""

import xxhash
from datatrove.data import Document

__all__ = ["Document", "digest", "position", "where"]

SPAN = float(1 << 53)  # a double holds 53 bits exactly, so that no text is at position 1.0


def digest(text: str) -> str:
    """Identity of a text: xxh3-128 of its UTF-8 bytes, 32 hexadecimal digits.

    >>> digest("")
    '99aa06d3014798d86001c324468d497f'
    """
    return xxhash.xxh3_128_hexdigest(text.encode())


def position(text: str, purpose: str) -> float:
    """A fixed number in [0, 1) for this text and purpose: below a share means in the split of that share.

    It depends on nothing else, so that adding data moves no text from one split to another.
    """
    return (xxhash.xxh3_64_intdigest(f"{purpose}\0{text}".encode()) >> 11) / SPAN


def where(document: Document) -> str:
    """`file:line` of a document, for messages."""
    return f"{document.metadata.get('file', '?')}:{document.metadata.get('line', '?')}"
