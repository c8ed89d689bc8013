from hypothesis import given
from hypothesis import strategies as st

from corpora.document import Document
from corpora.ledger import Ledger, together
from corpora.rejects import Rejects

ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["train", "validation", "short", "duplicate"]), st.integers(0, 9), st.integers(0, 9)
    )
)


def ledger_of(entries: list[tuple[str, int, int]]) -> Ledger:
    ledger = Ledger()
    for word, after, before in entries:
        if word in {"train", "validation"}:
            ledger.keep(word, after, before)
        else:
            ledger.drop(word, before)
    return ledger


@given(ENTRIES, ENTRIES)
def test_accounts_add_up(one: list[tuple[str, int, int]], other: list[tuple[str, int, int]]) -> None:
    whole = together([ledger_of(one), ledger_of(other)])
    assert whole.facts() == ledger_of([*one, *other]).facts()
    parts = [*whole.dropped.values(), *whole.kept.values()]
    assert whole.read.documents == len(one) + len(other) == sum(part.documents for part in parts)
    assert whole.read.characters == sum(part.characters for part in parts) + whole.trimmed


def test_only_reasons_of_cleaning_count_as_losses() -> None:
    ledger = ledger_of([("short", 0, 1), ("duplicate", 0, 5), ("duplicate", 0, 5)])
    assert list(ledger.dropped_by_cleaning()) == ["short"]
    assert ledger.reasons() == "2 duplicate, 1 short"


def test_the_sample_of_rejects_does_not_depend_on_order() -> None:
    documents = [
        Document(f"{n % 50} " + "x" * 600, id="", metadata={"source": "s", "file": "f", "line": n})
        for n in range(200)
    ]
    samples = []
    for order in (documents, documents[::-1]):
        rejects = Rejects(7)
        for document in order:
            rejects.add(document, "short" if document.metadata["line"] % 2 else "long")
        samples.append(list(rejects.rows()))
    assert samples[0] == samples[1]
    assert [row["reason"] for row in samples[0]] == ["long"] * 7 + ["short"] * 7
    assert {len(row["text"]) for row in samples[0]} == {500}
    nothing = Rejects(0)
    nothing.add(documents[0], "short")
    assert list(nothing.rows()) == []
