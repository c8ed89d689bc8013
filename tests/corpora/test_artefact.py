"""The commit point, checked exhaustively: a fault at every single call that touches the disk."""

import errno
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora import disk
from corpora.artefact import Artefact, Draft, finished
from corpora.errors import CannotWrite, CorruptArtefact, UsageError
from corpora.stage import Report

CALLS = ("write", "sync", "rename", "replace", "remove", "make_folder")


def make(final: Path, warn: Callable[[str], None] = lambda line: None) -> Artefact:
    """A stage in small: our own bytes, a library's folder, JSON, a part that is discarded again."""
    draft = Draft.open(final, "shards", "abc", warn)
    if not draft.has("a.bin"):
        with draft.write("a.bin") as file:
            file.write(b"one" * 1000)
    if not draft.has("folder"):
        with draft.fill("folder") as path:
            (path / "inner").mkdir(parents=True)
            (path / "inner" / "b.txt").write_text("two")
            (path / "c.txt").write_text("three")
    for step in (1, 2):
        if not draft.has(f"step-{step}") and not draft.has("step-2"):
            draft.write_json(f"step-{step}", {"step": step})
    draft.discard("step-1")
    return draft.commit(Report("made", {"rows": 3}), {"why": "test"})


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_finished_artefact_opens_with_what_was_written(tmp_path: Path) -> None:
    made = make(tmp_path / "x")
    assert (made.kind, made.fingerprint, made.summary, made.facts) == ("shards", "abc", "made", {"rows": 3})
    assert made.names() == ["a.bin", "folder/c.txt", "folder/inner/b.txt", "step-2"]
    assert made.file("a.bin").read_bytes() == b"one" * 1000
    assert (made.folder("folder") / "inner" / "b.txt").read_text() == "two"
    assert made.read_json("step-2") == {"step": 2}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x"]  # no draft, no journal


def test_an_exception_inside_a_part_leaves_nothing_of_it(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "x", "shards", "abc")
    with pytest.raises(ZeroDivisionError):
        write_half(draft)
    assert not draft.has("a")
    assert not (draft.path / "a").exists()
    assert Draft.open(tmp_path / "x", "shards", "abc").parts() == []
    assert [p.name for p in draft.path.iterdir()] == ["journal.jsonl"]


def write_half(draft: Draft) -> None:
    with draft.write("a") as file:
        file.write(b"half")
        raise ZeroDivisionError


def count_calls(monkeypatch: pytest.MonkeyPatch, fail: Callable[[int, str], None]) -> list[str]:
    """Let every call of `disk` pass through `fail(number, name)` first."""
    seen: list[str] = []
    for name in CALLS:
        original = getattr(disk, name)

        def call(*args: object, _name: str = name, _original: Callable[..., object] = original) -> object:
            seen.append(_name)
            fail(len(seen) - 1, _name)
            return _original(*args)

        monkeypatch.setattr(disk, name, call)
    return seen


def number_of_calls(tmp_path: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        seen = count_calls(patch, lambda number, name: None)
        make(tmp_path / "counted")
    return len(seen)


def kill_at(n: int) -> Callable[[int, str], None]:
    return lambda number, name: os._exit(137) if number == n else None


def test_a_kill_at_any_call_then_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    make(tmp_path / "clean")
    clean = bytes_below(tmp_path / "clean")
    total = number_of_calls(tmp_path)
    assert total > 30
    for n in range(total):
        final = tmp_path / f"killed-{n}"
        pid = os.fork()
        if pid == 0:
            patch = pytest.MonkeyPatch()
            count_calls(patch, kill_at(n))
            make(final)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 137
        if finished(final, "shards") is None:
            make(final)
        assert bytes_below(final) == clean, f"killed at call {n}"
        assert Artefact.open(final).facts == {"rows": 3}


def test_a_commit_cut_before_its_last_rename_repeats_no_work(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk, "rename", fail_on_final_name(tmp_path / "x"))
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "x")
    assert not (tmp_path / "x").exists()
    done = finished(tmp_path / "x", "shards")
    assert done is not None
    assert done.names() == ["a.bin", "folder/c.txt", "folder/inner/b.txt", "step-2"]
    assert finished(tmp_path / "y", "shards") is None


def fail_on_final_name(final: Path) -> Callable[[Path, Path], None]:
    original = disk.rename

    def rename(old: Path, new: Path) -> None:
        if new == final:
            raise KeyboardInterrupt
        original(old, new)

    return rename


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_full_or_read_only_disk_at_any_call_is_one_message_and_recovers(tmp_path: Path, code: int) -> None:
    make(tmp_path / "clean")
    clean = bytes_below(tmp_path / "clean")

    def fail_at(n: int) -> Callable[[int, str], None]:
        def fail(number: int, name: str) -> None:
            if number == n:
                raise OSError(code, os.strerror(code))

        return fail

    for n in range(number_of_calls(tmp_path)):
        final = tmp_path / f"full-{n}"
        with pytest.MonkeyPatch.context() as patch:
            count_calls(patch, fail_at(n))
            with pytest.raises(CannotWrite, match=r"no space to write|cannot write|the disk failed"):
                make(final)
        if not final.exists():
            make(final)
        assert bytes_below(final) == clean


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "write", lambda descriptor, data: os.write(descriptor, data[:7]))
    assert make(tmp_path / "x").file("a.bin").read_bytes() == b"one" * 1000


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    made = make(tmp_path / "x")
    draw = random.Random(0)
    files = [made.path / name for name in [*made.names(), "manifest.json"]]
    for _ in range(300):
        path = draw.choice(files)
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(CorruptArtefact, match=path.name):
            Artefact.open(made.path).verify()
        path.write_bytes(whole)
    Artefact.open(made.path).verify()


@pytest.mark.parametrize("damage", ["truncate", "append", "delete", "folder"])
def test_wrong_size_or_missing_is_found_at_open(tmp_path: Path, damage: str) -> None:
    made = make(tmp_path / "x")
    path = made.path / "a.bin"
    whole = path.read_bytes()
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "delete":
        path.write_bytes(whole[:-1] if damage == "truncate" else whole + b"\n")
    with pytest.raises(CorruptArtefact, match=r"a\.bin"):
        Artefact.open(made.path)


def test_a_newer_manifest_says_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.artefact.FORMAT", 2)  # of the version that writes; this one reads 1
    with pytest.raises(CorruptArtefact, match="has format 2, this version reads 1: upgrade"):
        make(tmp_path / "x")


def test_a_damaged_part_of_a_draft_is_named_and_made_again(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "x", "shards", "abc")
    with draft.write("a.bin") as file:
        file.write(b"one" * 1000)
    (draft.path / "a.bin").write_bytes(b"two" * 1000)
    warnings: list[str] = []
    assert make(tmp_path / "x", warnings.append).file("a.bin").read_bytes() == b"one" * 1000
    assert len(warnings) == 1
    assert "a.bin" in warnings[0]


def test_a_draft_of_other_settings_is_not_used(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "x", "shards", "abc")
    draft.write_json("part", 1)
    assert Draft.open(tmp_path / "x", "shards", "abc").parts() == ["part"]
    assert Draft.open(tmp_path / "x", "shards", "other").parts() == []
    assert not (draft.path / "part").exists()


def test_a_torn_journal_keeps_the_whole_lines(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "x", "shards", "abc")
    draft.write_json("one", 1)
    draft.write_json("two", 2)
    journal = draft.path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-5])
    assert Draft.open(tmp_path / "x", "shards", "abc").parts() == ["one"]


def test_a_folder_without_manifest_and_another_kind_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no finished artefact.*manifest\.json"):
        Artefact.open(tmp_path)
    make(tmp_path / "x")
    with pytest.raises(UsageError, match="holds 'shards', but 'tokens' is needed"):
        Artefact.open(tmp_path / "x", "tokens")


def test_the_manifest_reads_as_plain_json(tmp_path: Path) -> None:
    manifest = json.loads((make(tmp_path / "x").path / "manifest.json").read_text())
    assert manifest["files"]["a.bin"]["size"] == 3000
    assert manifest["identity"] == {"why": "test"}
