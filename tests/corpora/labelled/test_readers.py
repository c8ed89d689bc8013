"""Readers of labelled data: every published form says the same rows, with characters of the text as it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.labelled import Answer, Span
from corpora.labelled.raw import Raw
from corpora.labelled.readers import JsonRecords, Spans, Squad, TokenColumns
from corpora.labelled.records import records
from corpora.labelled.tags import joined, scheme_of, spans_of

TEXT = "浙商银行的叶老桂说"
FOUND = (Span(0, 4, "company"), Span(5, 8, "name"))


def write(folder: Path, content: object, name: str = "rows.json") -> Path:
    path = folder / name
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text, "utf-8")
    return path


def rows(found: list[Raw | Unreadable]) -> list[Raw]:
    assert all(isinstance(each, Raw) for each in found), found
    return [each for each in found if isinstance(each, Raw)]


def told(found: list[Raw | Unreadable]) -> str:
    (one,) = (each for each in found if isinstance(each, Unreadable))
    return f"{one.line}: {one.complaint}"


CLUENER = {"text": TEXT, "label": {"name": {"叶老桂": [[5, 7]]}, "company": {"浙商银行": [[0, 3]]}}}
CMEEE = {
    "text": TEXT,
    "entities": [
        {"start_idx": 5, "end_idx": 7, "type": "name", "entity": "叶老桂"},
        {"start_idx": 0, "end_idx": 3, "type": "company", "entity": "浙商银行"},
    ],
}
CMEEE_EXCLUSIVE = {
    "text": TEXT,
    "entities": [
        {"start_idx": 5, "end_idx": 8, "type": "name", "entity": "叶老桂"},
        {"start_idx": 0, "end_idx": 4, "type": "company", "entity": "浙商银行"},
    ],
}
DOCCANO = {"id": 7, "text": TEXT, "label": [[0, 4, "company"], [5, 8, "name"]]}
DOCCANO_RELATIONS = {
    "text": TEXT,
    "entities": [
        {"id": 1, "label": "company", "start_offset": 0, "end_offset": 4},
        {"id": 2, "label": "name", "start_offset": 5, "end_offset": 8},
    ],
}
LABEL_STUDIO = {
    "id": 3,
    "data": {"text": TEXT},
    "annotations": [
        {"was_cancelled": True, "result": [{"value": {"start": 0, "end": 1, "labels": ["name"]}}]},
        {
            "result": [
                {"value": {"start": 5, "end": 8, "text": "叶老桂", "labels": ["name"]}, "type": "labels"},
                {
                    "value": {"start": 0, "end": 4, "text": "浙商银行", "labels": ["company"]},
                    "type": "labels",
                },
                {"value": {"choices": ["finance"]}, "type": "choices"},
            ]
        },
    ],
}
JSON_MIN = {
    "text": TEXT,
    "label": [
        {"start": 5, "end": 8, "text": "叶老桂", "labels": ["name"]},
        {"start": 0, "end": 4, "text": "浙商银行", "labels": ["company"]},
    ],
}
FORMS = (CLUENER, CMEEE, CMEEE_EXCLUSIVE, DOCCANO, DOCCANO_RELATIONS, LABEL_STUDIO, JSON_MIN)


@pytest.mark.parametrize("record", FORMS)
def test_all_forms_of_spans_say_the_same(record: dict[str, Any], tmp_path: Path) -> None:
    one = json.dumps(record, ensure_ascii=False)
    for content in (one, f"{one}\n\n{one}\n", f"[{one},\n{one}]", [record], json.dumps(record, indent=2)):
        found = rows(list(Spans().read(write(tmp_path, content))))
        assert {row.spans for row in found} == {FOUND}
        assert {row.text for row in found} == {TEXT}
    assert found[0].id == str(record.get("id", ""))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": TEXT}, "2: no labelled spans: neither `label`"),
        ({"label": []}, "2: no field 'text'"),
        (
            {"text": TEXT, "label": [[0, 40, "name"]]},
            "2: a span from 0 to 40 does not lie in a text of 9 char",
        ),
        ({"text": TEXT, "label": [[3, 3, "name"]]}, "2: a span from 3 to 3 does not lie"),
        ({"text": TEXT, "label": [[0, 4, ""]]}, "2: the span '浙商银行' from 0 to 4 has no type"),
        ({"text": TEXT, "label": {"name": {"叶老": [[5, 7]]}}}, "'叶老桂', the file says '叶老'"),
        ({"text": TEXT, "label": [[0, 4]]}, "2: [0, 4] is no span, [start, end, type] is needed"),
        ({"text": TEXT, "label": ["name"]}, "2: name is no span"),
        (
            {"text": TEXT, "label": "name"},
            "2: a string stands for the spans, a list is needed; is it a class?",
        ),
        ({"text": TEXT, "label": [[0.0, 4.0, "name"]]}, "2: a span begins or ends at 0.0, a whole number"),
        ({"text": TEXT, "label": [["0", "4", "name"]]}, "2: a span begins or ends at '0', a whole number"),
        ({"text": TEXT, "label": [[0, 4, 5]]}, "2: the span from 0 to 4 is of type 5, a word is needed"),
        ({"text": TEXT, "label": {"name": [[0, 3]]}}, "2: its spans are in none of the forms of CLUENER"),
        (
            {"text": TEXT, "entities": [{"start_idx": None, "end_idx": 2, "type": "name", "entity": "浙商"}]},
            "2: a span begins or ends at None, a whole number is needed",
        ),
        ([TEXT], "2: a record is needed"),
    ],
)
def test_wrong_spans_are_told_with_their_line(record: object, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(DOCCANO) + "\n" + json.dumps(record))
    assert message in told(list(Spans().read(path)))


def test_values_are_found_however_they_are_laid_out(tmp_path: Path) -> None:
    path = write(tmp_path, '{"a": 1}\n{"b":\n 2} {"c": 3}\nnone\n{"d": 4}')
    found = list(records(path))
    assert [each for each in found if not isinstance(each, Unreadable)] == [
        (1, {"a": 1}),
        (2, {"b": 2}),
        (3, {"c": 3}),
        (5, {"d": 4}),
    ]
    assert isinstance(found[3], Unreadable)
    assert found[3].line == 4
    assert list(records(write(tmp_path, "[]"))) == []
    assert [line for line, _ in records(write(tmp_path, "[\n1,\n\n2\n]"))] == [2, 4]  # type: ignore[misc]
    with pytest.raises(BadData, match=r"rows\.json:2: not JSON .*, in the array that the file is"):
        list(records(write(tmp_path, '[{"a": 1},\n{"b" 2}]')))


def test_columns_of_tags_become_text_and_spans(tmp_path: Path) -> None:
    text = (
        "叶\tB-PER\n老 B-PER\n\n-DOCSTART- -X- O O\n\nEU\tNNP\tB-ORG\nrejects\tVBZ\tO\nGerman\tJJ\tS-MISC\n"
    )
    found = rows(list(TokenColumns().read(write(tmp_path, text))))
    assert found == [
        Raw(1, "叶老", spans=(Span(0, 1, "PER"), Span(1, 2, "PER")), tokens=((0, 1), (1, 2))),
        Raw(
            6,
            "EU rejects German",
            spans=(Span(0, 2, "ORG"), Span(11, 17, "MISC")),
            tokens=((0, 2), (3, 10), (11, 17)),
        ),
    ]
    parts = rows(list(TokenColumns(tag=1).read(write(tmp_path, "# text\nEU\tNNP\tO\nsays\tVBZ\tO\n"))))
    assert parts[0].tokens == ((0, 1), (2, 4), (5, 9))  # where # is a token
    parts = rows(list(TokenColumns(tag=1, comments=True).read(tmp_path / "rows.json")))
    assert parts[0].spans == (Span(0, 2, "NNP"), Span(3, 7, "VBZ"))


def test_wrong_tags_are_told_with_their_line(tmp_path: Path) -> None:
    path = write(tmp_path, "a O\nb\n\nc B-X\nd PER\n")
    found = list(TokenColumns().read(path))
    assert [each.line for each in found] == [2, 1, 4]
    assert [each.complaint for each in found if isinstance(each, Unreadable)] == [
        "1 value(s), a token and its tag are needed",
        "the tag 'PER' is neither O nor like B-PER; for a type for each token, `tags: words`",
    ]
    assert [row.text for row in rows(list(TokenColumns(token=0).read(path, labelled=False)))] == [
        "a b",
        "c d",
    ]


tag = st.one_of(st.just("O"), st.tuples(st.sampled_from("BIES"), st.sampled_from("XY")).map("-".join))


@given(st.lists(tag, min_size=1, max_size=12))
def test_chunks_are_those_of_seqeval(tags: list[str]) -> None:
    extents = [(2 * number, 2 * number + 1) for number in range(len(tags))]
    expected = [Span(2 * first, 2 * last + 1, kind) for kind, first, last in get_entities(tags)]
    assert list(spans_of(tags, extents, "chunks")) == expected
    other = [one.replace("E-", "L-").replace("S-", "U-") for one in tags]  # BILOU
    assert list(spans_of(other, extents, "chunks")) == expected


def test_words_may_be_cut_by_tags_without_types() -> None:
    text, extents = joined("他说中国人", "auto")
    assert text == "他说中国人"
    tags = ["S", "S", "B", "M", "E"]
    assert scheme_of(tags) == "chunks"
    assert spans_of(tags, extents, "chunks") == (Span(0, 1, "_"), Span(1, 2, "_"), Span(2, 5, "_"))
    assert scheme_of(["NN", "O", "VV"]) == scheme_of([]) == "words"


PASSAGE = "战国无双3由光荣开发，光荣发行。"


def question(*answers: tuple[int, str], **more: object) -> dict[str, Any]:
    given = [{"answer_start": start, "text": text} for start, text in answers]
    qas = [{"id": "Q1", "question": "谁开发？", "answers": given, **more}]
    return {"version": "1", "data": [{"paragraphs": [{"context": PASSAGE, "qas": qas}]}]}


def test_questions_are_read_with_their_answers_where_they_stand(tmp_path: Path) -> None:
    whole = question((6, "光荣"), (6, "光荣"), (8, "光荣"), (0, "光榮"))
    (row,) = rows(list(Squad().read(write(tmp_path, whole))))
    assert (row.text, row.second, row.id) == (PASSAGE, "谁开发？", "Q1")
    assert row.answers == (
        Answer(6, "光荣"),
        Answer(-1, "光榮"),
    )  # the nearest place; one that is nowhere last
    assert row.line == 1 + json.dumps(whole, ensure_ascii=False, indent=1)[:].split('"Q1"')[0].count("\n")
    (none,) = rows(list(Squad().read(write(tmp_path, question(is_impossible=True)))))
    assert none.answers == ()
    own = [
        {"context_id": "D", "context_text": PASSAGE, "qas": [{"query_id": "Q1", "query_text": "谁开发？"}]}
    ]
    own[0]["qas"][0]["answers"] = ["光荣", "光荣", 3.0]  # type: ignore[index]
    (same,) = rows(list(Squad().read(write(tmp_path, own))))
    assert same.answers == (Answer(6, "光荣"), Answer(4, "3"))
    assert (same.text, same.second, same.id) == (row.text, row.second, row.id)


def test_wrong_questions_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, question((0, "没有")))
    assert "question Q1: the answer '没有' is not in its passage" in told(list(Squad().read(path)))
    hidden = question()
    del hidden["data"][0]["paragraphs"][0]["qas"][0]["answers"]
    assert "a test set whose answers are not published" in told(list(Squad().read(write(tmp_path, hidden))))
    assert rows(list(Squad().read(tmp_path / "rows.json", labelled=False)))[0].answers == ()
    for where, text in (("6", "光荣"), (6, None), (None, "光荣")):
        wrong = question((where, text))  # type: ignore[arg-type]
        assert 'is not of the form {"text": ' in told(list(Squad().read(write(tmp_path, wrong))))
    unasked = question((6, "光荣"), question=None)
    assert "question Q1: `question` is no string, or not there" in told(
        list(Squad().read(write(tmp_path, unasked)))
    )
    for content, line in (('{"data": [{}]}', 1), ("3", 1), ('{"data":\n [', 2)):
        with pytest.raises(BadData, match=rf"rows\.json:{line}: not "):
            list(Squad().read(write(tmp_path, content)))


def test_a_table_of_another_form_is_told(tmp_path: Path) -> None:
    found = [*JsonRecords(text="t").rows(write(tmp_path, question()))]
    assert isinstance(found[0], Unreadable)
    assert "Then say `reader: squad`" in found[0].complaint
    without = {"data": question()["data"]}  # as DRCD and own files: no version
    (same,) = JsonRecords(text="t").rows(write(tmp_path, without))
    assert isinstance(same, Unreadable)
    assert same.complaint == found[0].complaint
    found = [*JsonRecords(text="t").rows(write(tmp_path, '[{"t": "a"}, 3]'))]
    assert found[0] == (1, {"t": "a"})
    assert isinstance(found[1], Unreadable)
