"""A fair sample of the documents that were dropped, for a person to look at."""

import heapq
from collections import defaultdict
from collections.abc import Iterator

import xxhash

from corpora.document import Document, where
from corpora.stage import JSON

SHOWN = 500
"""Characters of a reject's text that are kept."""


class Rejects:
    """At most `size` rejects for each source and reason: those with the smallest hashes.

    So the sample is the same in whatever order documents come, and no reason crowds out another.
    """

    def __init__(self, size: int) -> None:
        """Begin empty."""
        self._size = size
        self._heaps: defaultdict[tuple[str, str], list[tuple[int, str, JSON]]] = defaultdict(list)

    def add(self, document: Document, reason: str) -> None:
        """Offer a dropped document, as it was read."""
        source, place = document.metadata["source"], where(document)
        key = -xxhash.xxh3_64_intdigest(f"{place}\0{document.text}".encode(errors="replace"))
        heap = self._heaps[source, reason]
        if len(heap) == self._size and (not heap or key < heap[0][0]):
            return
        row = {
            "source": source,
            "reason": reason,
            "where": place,
            "characters": len(document.text),
            "text": document.text[:SHOWN],
        }
        # The root of the heap is the largest hash that is kept: the one to give up.
        push = heapq.heappush if len(heap) < self._size else heapq.heappushpop
        push(heap, (key, place, row))

    def rows(self) -> Iterator[JSON]:
        """The sample, by source and reason, smallest hash first."""
        for source_reason in sorted(self._heaps):
            kept = sorted(self._heaps[source_reason], key=lambda entry: (-entry[0], entry[1]))
            yield from (row for _, _, row in kept)
