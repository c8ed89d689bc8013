from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from corpora.document import Document, Unreadable
from corpora.errors import BadData
from corpora.fields import Row, RowReader
from corpora.places import Place

PLACE = Path("rows")


class Given(RowReader):
    """Rows at hand."""

    given: tuple[Mapping[str, Any], ...] = ()

    def rows(self, place: Place) -> Iterator[Row | Unreadable]:
        yield from enumerate(self.given, 1)


def read(row: Mapping[str, Any], **settings: Any) -> Document | Unreadable:  # noqa: ANN401
    (found,) = Given(given=(row,), **settings).read(PLACE)
    return found


def text(row: Mapping[str, Any], **settings: Any) -> tuple[str, str]:  # noqa: ANN401
    found = read(row, **settings)
    assert isinstance(found, Document), found
    return found.text, found.id


def complaint(row: Mapping[str, Any], **settings: Any) -> str:  # noqa: ANN401
    found = read(row, **settings)
    assert isinstance(found, Unreadable)
    assert (found.reason, found.line) == ("bad_field", 1)
    return found.complaint


def test_fields_are_found_also_within_others() -> None:
    row = {"text": "文", "id": 7, "meta": {"url": "u", "deep": {"n": 1}}, "a.b": "dotted"}
    assert text(row) == ("文", "7")
    assert text(row, text="meta.url", id="meta.deep.n") == ("u", "1")
    assert text(row, text="a.b", id=None) == ("dotted", "")
    assert text(row, text="{text}\n{meta.url} {meta.deep.n}", id="none") == ("文\nu 1", "")
    assert text({"text": "", "id": None}) == ("", "")


def test_templates_leave_out_what_is_null_or_allowed_to_lack() -> None:
    for row in ({"body": "b"}, {"title": None, "body": "b"}, {"title": " ", "body": "b"}):
        assert text(row, text="{title?}\n{body}") == ("b", "")
    assert text({"title": None, "body": None}, text="{title}\n{body}") == ("", "")
    assert "no field 'title' (fields: 'body'); mend the template, or write {title?} where" in complaint(
        {"body": "b"}, text="{title}\n{body}"
    )


def test_the_group_goes_with_the_document() -> None:
    for value, group in (("g", "g"), (" 3 ", "3"), (3, "3")):
        found = read({"text": "a", "page": value}, group="page")
        assert found.metadata == {"line": 1, "group": group}
    for wrong in (None, "", " ", 1.5, ["a"]):
        complaint({"text": "a", "page": wrong}, group="page")
    assert complaint({"text": "a", "pages": "b"}, group="page").endswith(
        "no field 'page' (fields: 'pages', 'text'); say which it is: `group` under a source's `reader`"
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": 5}, "'text' is the number 5, a string is needed"),
        ({"text": None}, "'text' is null, a string is needed"),
        ({"text": ["a"]}, "'text' is a list"),
        ({"text": b"a"}, "'text' is bytes"),
        (
            {"body": "x", "a": 1},
            "no field 'text' (fields: 'a', 'body'); say which it is, as in `text: ...` (under a source's",
        ),
        ({"txet": "x"}, "(fields: 'txet'); say which it is, as in `text: txet` (under a source's `reader`)"),
        ({}, "no field 'text' (fields: none)"),
        ({f"f{n}": "" for n in range(20)}, "'f14', 'f15', ...)"),
        ({"text": "a", "id": 1.5}, "'id' is the number 1.5"),
        ({"text": "a", "id": True}, "'id' is true or false"),
    ],
)
def test_what_does_not_fit_is_told(row: Mapping[str, Any], message: str) -> None:
    assert message in complaint(row)


def test_an_unreadable_row_is_shown_whole() -> None:
    found = read({"body": "中\ud800", "n": 1})
    assert isinstance(found, Unreadable)
    assert found.text == '{"body": "中\ufffd", "n": 1}'
    assert found.document().text == found.text


def test_columns_are_checked_once() -> None:
    Given(text="{a?}{b}", group="c.d").check_columns(["b", "c"], "f:1")
    with pytest.raises(BadData, match=r"f:1: no field 'text' \(fields: 'b', 'c'\); .* `text: \.\.\.` .*!"):
        Given().check_columns(["b", "c"], "f:1", "!")
    with pytest.raises(BadData, match=r"f:1: no field 'g'"):
        Given(group="g").check_columns(["text"], "f:1")


def test_a_template_with_a_missing_brace_is_refused_at_once() -> None:
    with pytest.raises(ValidationError, match=r"template '\{title.*a field is \{title\}, a brace"):
        Given(text="{title\n{body}")
    with pytest.raises(ValidationError, match="at least 1"):
        Given(text="")
