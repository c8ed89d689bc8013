"""Labelled rows divided into training, dev and test rows by a hash of their text.

A row's split is a function of its text alone, so that the same row is a test row wherever and whenever the
data are read, also when rows are added. Repeats are removed before: a repeat on both sides of a split would
be an answer learned by heart.
"""

from collections import Counter
from collections.abc import Iterable

from corpora.document import digest, position
from corpora.labelled.rows import Kind, Row, Split

Named = tuple[Row, str]
"""A row, and the name of its class ("" where it has none)."""


def distinct(rows: Iterable[Named], counts: Counter[str]) -> list[Named]:
    """Each text once; texts of which two rows say different things are left out."""
    known: dict[str, dict[object, Named]] = {}
    for row, name in rows:
        same = known.setdefault(digest(row.key), {})
        what = (name, row.label, row.spans, row.answers)
        counts["repeated"] += what in same
        same.setdefault(what, (row, name))
    counts["conflicting"] = sum(len(same) for same in known.values() if len(same) > 1)
    return [named for same in known.values() if len(same) == 1 for named in same.values()]


def split(rows: Iterable[Named], kind: Kind, dev: float, test: float) -> dict[Split, list[Named]]:
    """Divide rows, and put them in the order of another hash."""
    splits: dict[Split, list[Named]] = {"train": [], "dev": [], "test": []}
    for named in sorted(rows, key=lambda named: position(named[0].key, "labelled order")):
        row = named[0]
        # All questions on a passage go together: it would be known otherwise.
        splits[split_of(row.text if kind == "answers" else row.key, dev, test)].append(named)
    return splits


def split_of(text: str, dev: float, test: float) -> Split:
    """The split of a text."""
    place = position(text, "labelled split")
    return "test" if place < test else "dev" if place < test + dev else "train"
