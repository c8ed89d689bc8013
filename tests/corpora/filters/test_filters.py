import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.document import Document
from corpora.filters import (
    LIGHT,
    ControlCharacters,
    Filter,
    Length,
    UnicodeForm,
    WhiteSpace,
    canonical,
    clean,
    filters_of,
)

MEMBERS: list[Filter] = [ControlCharacters(), UnicodeForm(), UnicodeForm(form="NFKC"), WhiteSpace(), Length()]
TEXTS = st.one_of(st.text(), st.text(st.sampled_from("a中é 　\t\r\n\u2028\x00\ufeff\ue000e\u0301\x85")))


def apply(member: Filter, text: str) -> str | None:
    """The text that is left; None if the document is dropped."""
    result = member.apply(Document(text=text, id="7", metadata={"line": 3}))
    return None if isinstance(result, str) else result.text


@pytest.mark.parametrize("member", MEMBERS, ids=repr)
@given(text=TEXTS)
def test_every_filter_is_idempotent_and_leaves_its_argument_alone(member: Filter, text: str) -> None:
    document = Document(text=text, id="7", metadata={"line": 3})
    result = member.apply(document)
    assert document == Document(text=text, id="7", metadata={"line": 3})
    if not isinstance(result, str):
        assert (result.id, result.metadata) == ("7", {"line": 3})
        assert member.apply(result) == result


@given(TEXTS)
def test_the_canonical_form_is_canonical(text: str) -> None:
    form = canonical(text)
    assert canonical(form) == form
    if form != text:  # else it may be binary
        assert not any(unicodedata.category(char) in {"Cc", "Co"} for char in form.replace("\n", ""))
        assert unicodedata.is_normalized("NFC", form)
        assert "  " not in form


def test_control_characters() -> None:
    text = "\ufeff好的，\u200b这里\x00有一些\ufffd看不见的\u202e字符\ue5e5。" + "好" * 60
    assert apply(ControlCharacters(), text) == "好的，这里有一些看不见的字符。" + "好" * 60
    assert apply(ControlCharacters(), "工\u200c程\u200d师\t\r\n\u2028") == "工\u200c程\u200d师\t\r\n\u2028"
    assert ControlCharacters().apply(Document("h\x00i\x00", id="")) == "binary"
    assert apply(ControlCharacters(most=0.5), "h\x00i\x00") == "hi"


def test_unicode_form() -> None:
    assert apply(UnicodeForm(), "e\u0301 \uf900 Ａ１ﬁ") == "é 豈 Ａ１ﬁ"
    assert apply(UnicodeForm(form="NFKC"), "Ａ１ﬁ") == "A1fi"


def test_white_space() -> None:
    text = "\u3000\u3000第一段\t有\u2028字。 \r\n \r\n\n  Second  one.\r\x0cEnd \n"
    assert apply(WhiteSpace(), text) == "第一段 有 字。\nSecond one. End"


def test_length() -> None:
    assert [Length(least=2, most=3).apply(Document("字" * n, id="")) for n in (1, 4)] == ["short", "long"]
    assert apply(Length(least=2, most=3), "字字字") == "字字字"


def test_the_first_reason_ends_the_chain() -> None:
    assert clean(Document("\x00\x00\x00", id=""), LIGHT) == "binary"
    assert clean(Document(" 好 ", id=""), LIGHT) == "short"
    assert filters_of("none") == ()
    assert filters_of((WhiteSpace(),)) == (WhiteSpace(),)
