"""What became of every document that was read: counts by source, split and reason.

They add up. For each source, documents read = dropped + train + validation, and characters read = dropped +
train + validation + trimmed, where trimmed is what cleaning took out of documents that stayed (negative if a
normal form made them longer).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from corpora.stage import JSON

NOT_CLEANING = frozenset({"empty", "duplicate", "excluded"})
"""Reasons that are no complaint about a document's text."""


@dataclass
class Tally:
    """A number of documents and of their characters."""

    documents: int = 0
    characters: int = 0

    def add(self, characters: int, documents: int = 1) -> None:
        """Count a document, or several."""
        self.documents += documents
        self.characters += characters

    def facts(self) -> dict[str, JSON]:
        """As JSON."""
        return {"documents": self.documents, "characters": self.characters}


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    result = Tally()
    for tally in tallies:
        result.add(tally.characters, tally.documents)
    return result


def _by_word() -> defaultdict[str, Tally]:
    return defaultdict(Tally)


@dataclass
class Ledger:
    """The account of one source, or of all."""

    read: Tally = field(default_factory=Tally)
    dropped: defaultdict[str, Tally] = field(default_factory=_by_word)  # by reason
    kept: defaultdict[str, Tally] = field(default_factory=_by_word)  # by split
    trimmed: int = 0  # characters

    def keep(self, split: str, characters: int, before: int) -> None:
        """Count a document of `before` characters that stays, with `characters`."""
        self.read.add(before)
        self.kept[split].add(characters)
        self.trimmed += before - characters

    def drop(self, reason: str, before: int) -> None:
        """Count a document of `before` characters that goes."""
        self.read.add(before)
        self.dropped[reason].add(before)

    def dropped_by_cleaning(self) -> Mapping[str, Tally]:
        """What was dropped for its text, by reason."""
        return {reason: tally for reason, tally in self.dropped.items() if reason not in NOT_CLEANING}

    def reasons(self) -> str:
        """`12 short, 3 binary`: documents by reason, most frequent first; "" if none was dropped."""
        most = sorted(self.dropped.items(), key=lambda entry: (-entry[1].documents, entry[0]))
        return ", ".join(f"{tally.documents:,} {reason}" for reason, tally in most)

    def facts(self) -> dict[str, JSON]:
        """As JSON."""
        return {
            "read": self.read.facts(),
            "dropped": {reason: self.dropped[reason].facts() for reason in sorted(self.dropped)},
            "trimmed_characters": self.trimmed,
            **{split: self.kept[split].facts() for split in ("train", "validation")},
        }


def together(ledgers: Iterable[Ledger]) -> Ledger:
    """One account of several sources."""
    result = Ledger()
    for ledger in ledgers:
        result.read.add(ledger.read.characters, ledger.read.documents)
        result.trimmed += ledger.trimmed
        for mine, theirs in ((result.dropped, ledger.dropped), (result.kept, ledger.kept)):
            for word, tally in theirs.items():
                mine[word].add(tally.characters, tally.documents)
    return result
