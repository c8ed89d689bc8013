"""Versions are noted once, and again when they changed."""

from pathlib import Path

import pytest

from pretrain import notes, versions


def test_changes_are_noted_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions.remembered(tmp_path) == {}
    assert versions.note(tmp_path) == []
    found = versions.remembered(tmp_path)
    assert found.keys() >= {"python", "torch", "transformers", "deepspeed", "numpy", "maskwright"}
    assert versions.note(tmp_path) == []
    monkeypatch.setattr(versions, "versions", lambda: {**found, "torch": "9.9"})
    assert versions.note(tmp_path) == [f"torch {found['torch']} -> 9.9"]
    assert len(list(notes.rows(tmp_path / versions.FILE))) == 2
