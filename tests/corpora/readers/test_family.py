from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from corpora.errors import UsageError
from corpora.readers import Jsonl, PlainText, Reader, TaggedText, reader_for


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("a.txt", PlainText),
        ("a", PlainText),
        ("a.b.TXT.GZ", PlainText),
        ("a.jsonl", Jsonl),
        ("a.ndjson.zst", Jsonl),
        ("a.json.xz", Jsonl),
    ],
)
def test_the_name_decides(name: str, reader: type) -> None:
    assert type(reader_for(Path(name))) is reader


def test_an_unknown_name_asks_for_a_reader() -> None:
    with pytest.raises(UsageError, match=r"dump\.parquet: no reader is known for '\.parquet'.*`reader`"):
        reader_for(Path("dump.parquet"))


def test_a_bare_word_chooses_and_a_misspelt_one_is_answered_with_the_choices() -> None:
    adapter: TypeAdapter[Reader] = TypeAdapter(Reader)
    assert adapter.validate_python("tagged_text") == TaggedText()
    assert adapter.validate_python({"name": "jsonl", "text": "body"}) == Jsonl(text="body")
    with pytest.raises(ValidationError, match="'plain_text', 'jsonl', 'tagged_text'"):
        adapter.validate_python("plan_text")
