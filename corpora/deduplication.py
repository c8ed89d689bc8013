"""Exact deduplication: the first of several equal documents stays, in the order of the recipe's sources.

Equal is what has the same xxh3-128 digest after cleaning: two different texts share one with probability
2^-128. Memory is about 90 bytes for each distinct document, whatever their length.
"""


class Seen:
    """The digests met so far."""

    def __init__(self) -> None:
        """Nothing has been met."""
        self._digests: set[bytes] = set()

    def __len__(self) -> int:
        """How many distinct digests were met."""
        return len(self._digests)

    def first(self, digest: str) -> bool:
        """Note a digest (hexadecimal); whether it is met for the first time."""
        before = len(self._digests)
        self._digests.add(bytes.fromhex(digest))
        return len(self._digests) > before
