"""Fingerprints: what changes them, and that files are read again when they may have changed."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpora import disk
from corpora.places import File
from corpora.remote import Remote
from pretrain.running.store import Store, fingerprint
from tests.pretrain.roof import Gather, Learn, Speed


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("some text")
    os.utime(path, (1e9, 1e9))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".store")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files that were read for their digest."""
    seen: list[Path] = []
    digest = disk.digest

    def look(path: Path) -> str:
        seen.append(path)
        return digest(path)

    monkeypatch.setattr(disk, "digest", look)
    return seen


def print_of(store: Store, config: Gather | Learn, **inputs: str) -> str:
    return fingerprint(store.identity(config, inputs))


def test_speed_and_the_name_of_an_input_do_not_matter(store: Store, text: Path) -> None:
    plain, fast = Gather(text=str(text)), Gather(text=str(text), speed=Speed(workers=8))
    assert print_of(store, plain) == print_of(store, fast)
    assert print_of(store, Learn(data="a"), data="1") == print_of(store, Learn(data="b"), data="1")


def test_settings_inputs_and_files_do(store: Store, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {print_of(store, Gather(text=str(text))), print_of(store, Gather(text=str(text), times=2))}
    found |= {print_of(store, Gather(text=str(text), seed=1)), print_of(store, Learn(), data="1")}
    found |= {print_of(store, Learn(), data="2"), print_of(store, Learn(steps=11), data="1")}
    text.write_text("some test")
    found.add(print_of(store, Gather(text=str(text))))
    monkeypatch.setattr(Learn, "format", 2)
    found.add(print_of(store, Learn(), data="1"))
    assert len(found) == 8
    assert all(len(one) == 16 for one in found)


def test_an_unchanged_file_is_read_once(store: Store, text: Path, read: list[Path]) -> None:
    first = print_of(store, Gather(text=str(text)))
    assert print_of(store, Gather(text=str(text))) == first
    assert print_of(Store(store.root), Gather(text=str(text), times=2)) != first
    assert read == [text]


@pytest.mark.parametrize("seconds", [1e9 + 1, 1e9 - 1])
def test_a_file_with_another_time_is_read_again(
    store: Store, text: Path, read: list[Path], seconds: float
) -> None:
    first = print_of(store, Gather(text=str(text)))
    text.write_text("same size")
    os.utime(text, (seconds, seconds))
    assert print_of(store, Gather(text=str(text))) != first
    assert len(read) == 2


def test_a_young_file_is_read_each_time(store: Store, text: Path, read: list[Path]) -> None:
    """It may change again without its time or size telling."""
    now = time.time()
    found = set()
    for words in ("one text.", "two texts"):
        text.write_text(words)
        os.utime(text, (now + 100, now + 100))
        found.add(print_of(store, Gather(text=str(text))))
    assert (len(found), len(read)) == (2, 2)


@dataclass(frozen=True)
class Elsewhere(Remote):
    etag: str = ""

    def state(self) -> str:
        return self.etag


class Fetch(Gather):
    def outside(self) -> Sequence[File]:
        return (Elsewhere("s3://bucket/a.txt", 3, self.text),)


def test_a_file_elsewhere_counts_by_what_its_store_tells(store: Store, read: list[Path]) -> None:
    assert store.identity(Fetch(text="etag"), {})["outside"] == ["a.txt:etag"]
    assert read == []


def test_a_torn_cache_is_no_harm(store: Store, text: Path, read: list[Path]) -> None:
    first = print_of(store, Gather(text=str(text)))
    cache = store.root / "digests.jsonl"
    cache.write_bytes(cache.read_bytes()[:-9])
    assert [print_of(store, Gather(text=str(text))) for _ in range(2)] == [first, first]
    assert len(read) == 2


def test_a_store_that_may_not_be_written_is_no_harm(tmp_path: Path, text: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert print_of(Store(tmp_path / "file"), Gather(text=str(text)))


def test_a_draft_is_started_until_it_is_finished(store: Store, text: Path) -> None:
    from corpora.artefact import Draft
    from corpora.stage import Report

    config = Learn()
    assert (store.find(config, "f"), store.started(config, "f")) == (None, None)
    draft = Draft.open(store.place(config, "f"), config.makes, "f")
    assert store.find(config, "f") is None
    assert store.started(config, "f") == draft.path
    made = draft.commit(Report("done"))
    assert store.find(config, "f") == made
    assert store.started(config, "f") is None
