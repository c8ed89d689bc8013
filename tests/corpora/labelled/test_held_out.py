"""Held-out files of their own: as published, row for row; what is wrong with them has file and line."""

import json
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Sequence, Value
from pydantic import ValidationError

from corpora.decontamination import evaluation_sets
from corpora.errors import BadData
from corpora.labelled import Answer, LabelledData, Row, Span


def write(folder: Path, **tables: str) -> dict[str, str]:
    for name, rows in tables.items():
        (folder / f"{name}.tsv").write_text("text\tlabel\n" + rows, "utf-8")
    return {name: f"{folder}/{name}.tsv" for name in tables}


def load(folder: Path, **more: object) -> LabelledData:
    given = {"path": f"{folder}/train.tsv", "dev": f"{folder}/dev.tsv", "test": f"{folder}/test.tsv"}
    return LabelledData.model_validate({**given, **more})


def test_files_are_taken_row_for_row_and_what_they_share_is_told(tmp_path: Path) -> None:
    write(tmp_path, train="b\tx\na\ty\na\ty\n", dev="a\ty\nc\tx\nc\tx\n", test="d\ty\n")
    data = load(tmp_path)
    rows = data.load()
    assert [row.text for row in rows.train] == ["b", "a", "a"]
    assert [row.text for row in rows.dev] == ["a", "c", "c"]
    assert [row.identity for row in rows.dev] == ["dev.tsv:2", "dev.tsv:3", "dev.tsv:4"]
    assert rows.remarks == ("1 of the 3 dev rows are training rows, too: as given, they stay",)
    assert [file.name for file in data.outside()] == ["train.tsv", "dev.tsv", "test.tsv"]
    assert rows.counts["read"] == 7


def test_a_share_and_a_file_go_together(tmp_path: Path) -> None:
    train = "".join(f"row {n}\t{'xy'[n % 2]}\n" for n in range(400))
    write(tmp_path, train=train, test="a\tx\n")
    rows = load(tmp_path, dev=0.1).load()
    assert 20 <= len(rows.dev) <= 65
    assert len(rows.train) + len(rows.dev) == 400
    assert [row.text for row in rows.test] == ["a"]


@pytest.mark.parametrize(
    ("tables", "more", "message"),
    [
        ({"dev": "c\tz\n"}, {}, r"^/.*/dev\.tsv:2: label 'z' is in no training row \(there: 'x', 'y'\)"),
        ({"test": ""}, {}, r"test\.tsv has no rows; give a file that has, or a share of .*train\.tsv"),
        ({"train": ""}, {}, r"train\.tsv has no rows"),
        ({"train": "a\tx\n"}, {}, r"train\.tsv has rows of 1 label\(s\) \['x'\]; two are needed"),
        ({"dev": "c\t\n"}, {}, r"dev\.tsv:2: 'label' is blank"),
        ({"dev": "c\n"}, {}, r"dev\.tsv:2: 1 values, there are 2 columns"),
        ({}, {"names": {"x": "good"}}, r"^/.*/train\.tsv:3: label 'y' is none of those under `names`: 'x'"),
        ({}, {"second": "other"}, r"train\.tsv:1: no field 'other' .* as in `second: \.\.\.`"),
        ({}, {"value": "label"}, r"train\.tsv:2: 'label' is 'x', a number is needed"),
        (
            {"train": "a\t1\nb\t-9e99\n"},
            {"value": "label"},
            r"train\.tsv:3: 'label' is '-9e99', more than a network can learn \(1e\+15 at most\)",
        ),
        ({}, {"test": "nothere.tsv"}, r"nothere\.tsv names no file"),
    ],
)
def test_what_is_wrong_has_its_place(
    tables: dict[str, str], more: dict[str, object], message: str, tmp_path: Path
) -> None:
    write(tmp_path, **{"train": "a\tx\nb\ty\n", "dev": "c\tx\n", "test": "d\ty\n", **tables})
    with pytest.raises(BadData, match=message):
        load(tmp_path, **more).load()


def test_labels_have_other_names_or_none(tmp_path: Path) -> None:
    write(tmp_path, train="a\t0\nb\t1\nc\t-\n", dev="d\t1\n", test="e\t0\n")
    rows = load(tmp_path, names={"0": "bad", "1": "good", "2": "fair"}, without_label=["-"]).load()
    assert rows.labels == ("bad", "fair", "good")
    assert [row.label for row in (*rows.train, *rows.dev, *rows.test)] == [0, 2, 2, 0]
    assert rows.counts["unlabelled"] == 1


def test_what_cannot_be_read_may_be_left_out(tmp_path: Path) -> None:
    write(tmp_path, train="a\tx\nbroken\nb\ty\n", dev="c\tx\n", test="d\ty\n")
    rows = load(tmp_path, invalid="reject").load()
    assert (len(rows.train), rows.counts["invalid"], rows.counts["read"]) == (2, 1, 5)
    assert rows.remarks == ("1 of 5 labelled rows could not be read and are left out",)


def test_pairs_are_told_apart_by_both_texts(tmp_path: Path) -> None:
    pairs = [{"a": "same", "b": f"other {n % 150}", "label": n % 2} for n in range(300)]
    (tmp_path / "rows.json").write_text(json.dumps(pairs))
    rows = LabelledData(path=f"{tmp_path}/rows.json", text="a", second="b").load()
    assert (rows.counts["repeated"], rows.counts["conflicting"]) == (150, 0)
    assert {row.text for row in rows.test} == {"same"}
    assert not {row.second for row in rows.test} & {row.second for row in rows.train}


def test_questions_on_a_passage_stay_together(tmp_path: Path) -> None:
    def paragraph(n: int) -> dict[str, object]:
        asked = [
            {"id": f"{n}-{k}", "question": f"q{k}", "answers": [{"text": "p", "answer_start": 0}]}
            for k in (0, 1)
        ]
        return {"context": f"passage {n}", "qas": asked}

    (tmp_path / "rows.json").write_text(
        json.dumps({"data": [{"paragraphs": [paragraph(n) for n in range(60)]}]})
    )
    rows = LabelledData.model_validate({"path": f"{tmp_path}/rows.json", "reader": "squad"}).load()
    assert len(rows.train) + len(rows.dev) + len(rows.test) == 120
    for split, other in ((rows.train, rows.dev), (rows.train, rows.test), (rows.dev, rows.test)):
        assert not {row.text for row in split} & {row.text for row in other}


def test_rows_to_be_predicted_need_no_labels_and_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "new.tsv").write_text("id\ttext\n7\t  a\u3000b \n", "utf-8")
    data = LabelledData(path="train.tsv")
    assert data.unlabelled(f"{tmp_path}/new.tsv") == (Row("  a\u3000b ", id="7"),)
    (tmp_path / "new.bio").write_text("a\nb\n\nc\n")
    tags = LabelledData.model_validate({"path": "train.bio", "reader": "token_columns"})
    assert [row.text for row in tags.unlabelled(f"{tmp_path}/new.bio")] == ["a b", "c"]
    (tmp_path / "none.tsv").write_text("text\n")
    with pytest.raises(BadData, match=r"none\.tsv has no rows"):
        data.unlabelled(f"{tmp_path}/none.tsv")


def test_data_sets_bring_names_of_classes_and_splits(tmp_path: Path) -> None:
    label, tags = ClassLabel(names=["neg", "pos"]), ClassLabel(names=["O", "B-PER", "I-PER"])
    features = Features(
        {
            "text": Value("string"),
            "label": label,
            "score": Value("float32"),
            "tokens": Sequence(Value("string")),
            "ner_tags": Sequence(tags),
            "answers": {"text": Sequence(Value("string")), "answer_start": Sequence(Value("int32"))},
        }
    )
    row = {"text": "a b", "label": 1, "score": 0.5, "tokens": ["a", "b"], "ner_tags": [0, 1]}
    row |= {"answers": {"text": ["b"], "answer_start": [2]}}
    rows = [row, {**row, "text": "c b", "label": 0}]
    made = {name: Dataset.from_list(rows, features=features) for name in ("train", "validation")}
    DatasetDict(made).save_to_disk(str(tmp_path / "set"))
    hidden = Dataset.from_list([{**row, "label": -1}], features=features)
    hidden.to_parquet(str(tmp_path / "hidden.parquet"))
    base = {"path": f"{tmp_path}/set", "reader": "datasets", "dev": 0, "test": "validation"}

    def first(**columns: str) -> Row:
        return LabelledData.model_validate({**base, **columns}).load().test[0]

    classes = LabelledData.model_validate(base)
    assert classes.load().labels == ("neg", "pos")
    assert len(classes.outside()) == 2
    assert first() == Row("a b", label=1)
    assert first(value="score") == Row("a b", label=0.5)
    assert first(answers="answers") == Row("a b", answers=(Answer(2, "b"),))
    found = first(text="tokens", tags="ner_tags")
    assert (found.text, found.spans, found.tokens) == ("a b", (Span(2, 3, "PER"),), ((0, 1), (2, 3)))
    with pytest.raises(BadData, match=r"hidden\.parquet:1: 'label' is null: the row has no label"):
        LabelledData(path=f"{tmp_path}/hidden.parquet").load()
    with pytest.raises(BadData, match=r"has no split 'tset' \(splits: train, validation\)"):
        LabelledData.model_validate({**base, "test": "tset"}).load()


def test_all_texts_of_evaluation_rows_are_kept_out_of_pre_training(tmp_path: Path) -> None:
    rows = [{"a": f"first {n}", "b": f"second {n}", "label": n % 2} for n in range(50)]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    data = LabelledData(path=f"{tmp_path}/rows.json", text="a", second="b")
    (found,) = evaluation_sets([data], [])
    held = data.load()
    assert set(found.rows) == {text for row in (*held.dev, *held.test) for text in (row.text, row.second)}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"value": "a", "tags": "b"}, "`tags` is there besides `value`: choose one"),
        ({"layout": "mrpcc"}, "'mrpc'"),
        ({"dev": 0.6, "test": 0.4}, "leave no rows to learn from"),
        ({"reader": "squat"}, "'squad'"),
    ],
)
def test_settings_that_cannot_be(more: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        LabelledData.model_validate({"path": "rows.tsv", **more})
