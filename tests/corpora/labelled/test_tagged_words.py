"""Lines of word/tag: words as spans, or names alone; what is no such line is told with its number."""

from pathlib import Path

import pytest

from corpora.errors import BadData
from corpora.labelled import LabelledData, Row, Span
from corpora.labelled.readers import TaggedWords

LINE = (
    "19980101-01-001-002/m  ［/w  [中央/n  电台/n]nt  记者/n  "
    "欧阳/nr  江/nr  泽民/nr  、/w  李/nr  鹏/nr  在/p  北京/ns"
)
NAMES = {"nr": "PER", "ns": "LOC"}


def rows(folder: Path, text: str, **settings: object) -> tuple[Row, ...]:
    path = folder / "news.txt"
    path.write_text(text, "utf-8")
    reader = TaggedWords.model_validate(settings)
    return LabelledData(path=str(path), reader=reader, dev=0, test=0).load().train


def test_every_word_is_a_span_and_a_token(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, f"\n{LINE}\n")
    assert row.text == "［中央电台记者欧阳江泽民、李鹏在北京"
    assert [(row.text[s.start : s.end], s.type) for s in row.spans][1:4] == [
        ("中央", "n"),
        ("电台", "n"),
        ("记者", "n"),
    ]
    assert row.tokens == tuple((span.start, span.end) for span in row.spans)
    assert row.identity == "news.txt:2"


def test_names_are_joined_from_family_and_given_name(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, LINE.replace("欧阳/nr  ", ""), types=NAMES)
    assert [row.text[span.start : span.end] for span in row.spans] == ["江泽民", "李鹏", "北京"]
    assert row.spans[0] == Span(7, 10, "PER")
    assert row.tokens == ()
    (row,) = rows(tmp_path, "江/nr  泽民/nr  李/nr  鹏/nr\n", types=NAMES)
    assert row.spans == (Span(0, 3, "PER"), Span(3, 5, "PER"))


def test_words_of_latin_letters_have_a_space_between(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, "He/PRP runs/VBZ ./PUNCT\n")
    assert (row.text, row.spans[1]) == ("He runs .", Span(3, 7, "VBZ"))


@pytest.mark.parametrize("item", ["北京", "/ns", "北京/地"])
def test_a_line_of_another_form_is_told(tmp_path: Path, item: str) -> None:
    with pytest.raises(BadData, match=r"news\.txt:2: .*not of the form word/tag"):
        rows(tmp_path, f"我/r\n在/p {item}\n")
