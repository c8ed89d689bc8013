"""What `maskwright corpora` shows of shards: counts, lengths of documents, some to read, the rejects."""

import json
from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from corpora.artefact import Artefact
from corpora.document import Document, where
from corpora.lines import lines
from corpora.overview import Lengths, lengths
from corpora.stage import JSON

BAR = 40  # characters
SHOWN = 600  # characters of a document
REJECTS = "rejects.jsonl"


def counts(artefact: Artefact, console: Console) -> None:
    """What was read of each source, what was kept, and why the rest was not."""
    title = escape(f"{artefact.path}: {artefact.summary}")
    table = Table(title=title, title_justify="left", box=None)
    for head in ("source", "read", "train", "validation", "copies", "dropped", "left out"):
        table.add_column(head, justify="left" if head == "source" else "right")
    sources: Mapping[str, JSON] = artefact.facts["sources"]
    for title, facts in [*sources.items(), ("all", artefact.facts)]:
        dropped, left_out = facts["dropped"].values(), facts["left_out"].values()
        kept = [facts[word]["documents"] for word in ("read", "train", "validation", "copies")]
        gone = [sum(tally["documents"] for tally in tallies) for tallies in (dropped, left_out)]
        table.add_row(escape(title), *(f"{count:,}" for count in [*kept, *gone]))
    console.print(table, highlight=False)
    reasons = Table(title="why", title_justify="left", box=None)
    for head in ("source", "reason", "documents", "characters"):
        reasons.add_column(head, justify="left" if head in ("source", "reason") else "right")
    for title, facts in sources.items():
        for row in _reasons(facts):
            reasons.add_row(escape(title), *row)
    console.print(reasons if reasons.row_count else "nothing was dropped", highlight=False)


def _reasons(facts: Mapping[str, JSON]) -> Iterable[tuple[str, str, str]]:
    for word, note in (("dropped", ""), ("left_out", " (left out)")):
        for reason, tally in sorted(facts[word].items(), key=lambda entry: -entry[1]["characters"]):
            yield reason + note, f"{tally['documents']:,}", f"{tally['characters']:,}"
    for name, characters in sorted(facts["trimmed_characters"].items(), key=lambda entry: -abs(entry[1])):
        if characters:
            yield f"{name} (trimmed)", "", f"{characters:,}"


def histogram(artefact: Artefact, split: str, console: Console) -> None:
    """Documents by their length in characters, one bar for each power of two."""
    found = lengths(artefact, split)
    if not found.documents.size:
        console.print(f"{split}: no documents")
        return
    part = "" if found.files == found.of else f" ({found.files} of {found.of:,} files)"
    console.print(f"\n[bold]{split}[/]: documents by characters{part}", highlight=False)
    for line in _bars(found):
        console.print(line, markup=False, highlight=False)


def _bars(found: Lengths) -> Iterable[str]:
    most = int(found.documents.max())
    for power in range(int((found.documents > 0).argmax()), found.documents.size):
        count = int(found.documents[power])
        bar = "█" * round(BAR * count / most) or ("▏" if count else "")
        share = found.characters[power] / found.characters.sum()
        yield f"  {1 << power:>9,} - {(2 << power) - 1:<9,} {count:>10,}  {share:>6.1%} of text  {bar}"


def documents(found: Iterable[Document], console: Console) -> None:
    """Print documents, each under its source, place, id and length; say so if there are none."""
    document = None
    for document in found:
        size = f"{len(document.text):,} characters"
        _head("cyan", document.metadata["source"], f"{where(document)}  {document.id}  {size}", console)
        _print(document.text, len(document.text), console)
    if document is None:
        console.print("\nno documents to show")


def rejects(artefact: Artefact, source: str | None, console: Console) -> None:
    """Print the sample of documents that were dropped, of one source or of all, each with its reason."""
    rows = [json.loads(line) for _, line in lines(artefact.file(REJECTS))]
    shown = [row for row in rows if source in (None, row["source"])]
    for row in shown:
        size = f"{row['characters']:,} characters"
        _head("red", row["reason"], f"{row['source']}  {row['where']}  {size}", console)
        if shared := row.get("overlap"):
            console.print(_printable(f"shared with {shared['title']}: {shared['passage']}"), markup=False)
        _print(row["text"], row["characters"], console)
    if not shown:
        console.print("no rejects to show")


def _head(colour: str, title: str, facts: str, console: Console) -> None:
    title, facts = escape(_printable(title)), escape(_printable(facts))
    console.print(f"\n[bold {colour}]{title}[/]  [dim]{facts}[/]", highlight=False)


def _print(text: str, characters: int, console: Console) -> None:
    """The beginning of a text of so many characters."""
    shown = text[:SHOWN]
    more = f" … ({characters - len(shown):,} more)" if characters > len(shown) else ""
    console.print(_printable(shown) + more, markup=False, highlight=False)


def _printable(text: str) -> str:
    """Control characters are spelt out: none of them reaches the terminal."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)
