"""Small files: whole or not at all, and rows that survive a torn line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import disk
from corpora.errors import CannotWrite
from pretrain import notes


def test_a_file_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes.write(tmp_path / "a.json", "old")

    def full(old: Path, new: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "replace", full)
    with pytest.raises(CannotWrite, match="no space"):
        notes.write(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=5), st.data())
def test_a_torn_line_costs_itself_alone(rows: list[dict[str, int | str]], data: st.DataObject) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        for row in rows:
            notes.append(path, row)
        assert list(notes.rows(path)) == rows
        if rows:
            last = len(json.dumps(rows[-1], ensure_ascii=False).encode()) + 1
            cut = data.draw(st.integers(2, last))  # what a kill kept back
            path.write_bytes(path.read_bytes()[:-cut])
            notes.append(path, {"after": 1})
            assert list(notes.rows(path)) == [*rows[:-1], {"after": 1}]


def test_no_file_has_no_rows(tmp_path: Path) -> None:
    assert list(notes.rows(tmp_path / "none.jsonl")) == []
