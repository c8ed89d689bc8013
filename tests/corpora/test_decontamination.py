import pickle
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from corpora.decontamination import Contamination, Decontamination, EvaluationSet, Overlap, evaluation_sets
from corpora.labelled import LabelledData
from corpora.sources import Source

REVIEW = "房间很干净，服务员态度非常好，下次还会再来的。"
TITLE = "The quick brown fox jumps over the lazy dog near the old river bank today"
SETS = [EvaluationSet("hotels", (REVIEW, "地段很好，价格也合适")), EvaluationSet("titles", (TITLE,))]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"昨天的日记。{REVIEW}完", "hotels"),
        ("房间 很干净！服务员——态度非常好 下次 还会", "hotels"),  # 13 characters are enough
        ("服务员态度非常好，下次还会", None),  # 12 are not
        ("我说：地段很好价格也合适！", "hotels"),  # a short row is found as a whole
        ("地段很好，价格也合", None),
        ("yes: QUICK brown fox, jumps over the lazy dog near the old river bank!", "titles"),
        ("quick brown fox jumps over the lazy dog near the old river", None),
        ("", None),
    ],
)
def test_a_long_run_of_evaluation_text_is_found(text: str, title: str | None) -> None:
    found = Contamination(SETS, Decontamination()).overlap(text)
    assert (found and found.title) == title


def test_the_passage_is_told_as_it_stands_in_the_text() -> None:
    found = Contamination(SETS, Decontamination(ngram=5)).overlap("看：“下次，还会再 来的”吗")
    assert found == Overlap("hotels", "下次，还会再")


def test_each_form_of_a_document_is_looked_at() -> None:
    contamination = Contamination(SETS, Decontamination())
    marked_up = "<b>".join(REVIEW)
    assert contamination.overlap(marked_up) is None
    assert contamination.overlap(marked_up, REVIEW) == Overlap("hotels", REVIEW[:14])
    assert contamination.overlap() is None


def test_wording_of_many_rows_is_not_looked_for() -> None:
    question = "请根据以下文章的内容回答问题并说明理由："
    rows = tuple(f"{question}{chr(0x4E00 + n) * 3}是第几个地方的名字呢？" for n in range(11))
    sets = [EvaluationSet("questions", rows)]
    assert Contamination(sets, Decontamination()).overlap(question) is None
    assert Contamination(sets, Decontamination(common=None)).overlap(question) is not None
    assert Contamination(sets, Decontamination(common=11)).overlap(question) is not None
    assert Contamination(sets, Decontamination()).overlap(rows[3][17:]) is not None


def test_a_row_of_two_sets_belongs_to_the_first_and_counts_once() -> None:
    twice = [EvaluationSet("one", (REVIEW, REVIEW)), EvaluationSet("other", (REVIEW,))]
    found = Contamination(twice, Decontamination(common=1)).overlap(REVIEW)
    assert found is not None
    assert found.title == "one"


def test_sets_are_dev_and_test_rows_and_whole_texts(tmp_path: Path) -> None:
    for label in ("good", "bad"):
        rows = [f"第{n}条{label}评论，写得很长很长的一条\n" for n in range(40)]
        (tmp_path / f"{label}.txt").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "quiz.txt").write_text("一道题\n另一道题\n", encoding="utf-8")
    data = LabelledData(files={label: str(tmp_path / f"{label}.txt") for label in ("good", "bad")})
    labelled, plain = evaluation_sets([data], [Source(path=str(tmp_path / "quiz.txt"))])
    loaded = data.load()
    assert labelled.title == "bad.txt, good.txt"
    assert sorted(labelled.rows) == sorted(row.text for row in (*loaded.dev, *loaded.test))
    assert plain == EvaluationSet("quiz.txt", ("一道题", "另一道题"))


def test_it_travels_to_other_processes() -> None:
    contamination = Contamination(SETS, Decontamination())
    assert pickle.loads(pickle.dumps(contamination)).overlap(REVIEW) == contamination.overlap(REVIEW)
    assert len(contamination) == 8 + 1 + 3


def test_settings_in_a_recipe() -> None:
    read = TypeAdapter(Decontamination).validate_python
    assert read({"ngram": 20, "texts": ["quiz.txt"]}).texts == (Source(path="quiz.txt"),)
    for wrong in ({"ngram": 2}, {"least": 0}, {"common": 0}, {"n": 13}):
        with pytest.raises(ValidationError):
            read(wrong)
