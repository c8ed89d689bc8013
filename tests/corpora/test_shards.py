import json

from hypothesis import given
from hypothesis import strategies as st

from corpora.shards import line_of


@given(st.text(), st.text(), st.text())
def test_a_line_is_what_json_makes_of_it(identity: str, text: str, source: str) -> None:
    row = {"id": identity, "text": text, "source": source}
    line = line_of(identity, text, source)
    assert line == json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    assert line.count(b"\n") == 1
