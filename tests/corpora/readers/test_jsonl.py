import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import BadData
from corpora.readers import Jsonl


def write(folder: Path, *rows: str) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(rows), encoding="utf-8", newline="")
    return path


@given(st.lists(st.tuples(st.text(), st.one_of(st.text(), st.integers(-(10**20), 10**20)))))
def test_rows_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str | int]]) -> None:
    lines = [json.dumps({"text": text, "id": own, "x": [1]}, ensure_ascii=False) for text, own in rows]
    path = write(tmp_path_factory.mktemp("jsonl"), *lines)
    documents = list(Jsonl().read(path))
    assert [(d.text, d.id) for d in documents] == [(text, str(own)) for text, own in rows]


def test_other_field_names_blank_lines_and_compression(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress('{"body": "一", "key": 7}\n\n{"body": "二"}\n'.encode()))
    documents = list(Jsonl(text="body", id="key").read(path))
    assert [(d.text, d.id, d.metadata["line"]) for d in documents] == [("一", "7", 1), ("二", "", 3)]


def test_half_a_surrogate_pair_becomes_the_replacement_character(tmp_path: Path) -> None:
    path = write(tmp_path, r'{"text": "a\ud800b", "id": "\udfff"}', r'{"text": "\ud83d\ude00"}')
    assert [(d.text, d.id) for d in Jsonl().read(path)] == [("a\ufffdb", "\ufffd"), ("\U0001f600", "")]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": "cut', "not a JSON object on one line"),
        ('["text"]', r"a list, an object such as \{\"text\""),
        ('"text"', "a string, an object"),
        ('{"text": 5}', "'text' is the number 5, a string is needed"),
        ('{"text": null}', "'text' is null"),
        ('{"body": "x", "a": 1}', r"no field 'text' \(fields: 'a', 'body'\)"),
        ('{"text": "a", "text": "b"}', "key 'text' is there twice"),
        ('{"text": "a", "id": 1.5}', "'id' is the number 1.5"),
        ('{"text": "a", "id": true}', "'id' is true or false"),
        ('{"text": "a", "n": ' + "9" * 5000 + "}", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, row: str, message: str) -> None:
    path = write(tmp_path, '{"text": "good"}', row)
    with pytest.raises(BadData, match=r"rows\.jsonl:2: .*" + message):
        list(Jsonl().read(path))
