"""The source of each held-out document, from shards to a finished token set."""

from pathlib import Path

import zstandard

from corpora.artefact import Artefact, Draft
from corpora.shards import line_of
from corpora.stage import Report
from tokenization import sources

KEPT = {
    "web": {"train": {"documents": 4, "characters": 40}, "validation": {"documents": 2, "characters": 20}}
}


def shards(place: Path, held_out: list[list[str]], facts: dict[str, object]) -> Artefact:
    """Shards whose held-out documents are of these sources, a list for each file."""
    draft = Draft.open(place, "shards", "hand-made")
    for number, some in enumerate(held_out):
        lines = b"".join(line_of(f"{number}-{n}", "text", source) for n, source in enumerate(some))
        with draft.write(f"validation-{number:05}.jsonl.zst") as file:
            file.write(zstandard.ZstdCompressor(write_checksum=True).compress(lines))
    return draft.commit(Report("", facts))


def test_documents_are_numbered_over_all_files(tmp_path: Path) -> None:
    made = shards(tmp_path / "shards", [["web", "新闻", "web"], ["书", "web"]], {"sources": KEPT})
    draft = Draft.open(tmp_path / "tokens", "tokens", "test")
    sources.write(draft, made)
    found = sources.read(draft.commit(Report("", {})))
    assert found
    assert [found.names[number] for number in found.of_documents] == ["web", "新闻", "web", "书", "web"]
    assert sources.kept(made) == KEPT


def test_nothing_held_out_and_nothing_counted(tmp_path: Path) -> None:
    made = shards(tmp_path / "shards", [], {})
    draft = Draft.open(tmp_path / "tokens", "tokens", "test")
    sources.write(draft, made)
    found = sources.read(draft.commit(Report("", {})))
    assert found
    assert (list(found.names), found.of_documents.size) == ([], 0)
    assert sources.kept(made) == {}
