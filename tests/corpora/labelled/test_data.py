import json
import zipfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpora.errors import BadData, UsageError
from corpora.labelled import LabelledData, LabelledRows


def files(folder: Path, **texts: list[str]) -> LabelledData:
    for label, rows in texts.items():
        (folder / f"{label}.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return LabelledData(files={label: f"{folder}/{label}.txt" for label in texts})


def all_rows(rows: LabelledRows) -> set[tuple[str, str]]:
    return {(row.text, rows.labels[int(row.label or 0)]) for row in (*rows.train, *rows.dev, *rows.test)}


def test_repeats_go_before_splitting_and_counts_add_up(tmp_path: Path) -> None:
    good = [f"好书 第{n}本" for n in range(200)]
    bad = [f"坏书 第{n}本" for n in range(100)]
    both = ["一般", "还行"]
    rows = files(
        tmp_path, good=[*good, *good, "  好书\u3000第7本 ", *both], bad=[*bad, "", "\u3000", *both]
    ).load()
    assert rows.labels == ("bad", "good")
    assert all_rows(rows) == {(text, "good") for text in good} | {(text, "bad") for text in bad}
    counts = dict(rows.counts)
    assert counts.pop("read") == sum(counts.values()) == 200 + 201 + 2 + 100 + 2 + 2
    assert (counts["repeated"], counts["conflicting"], counts["empty"]) == (201, 4, 2)
    assert len({row.text for row in (*rows.train, *rows.dev, *rows.test)}) == 300


def test_shares_are_met_and_the_split_is_stable_when_rows_are_added(tmp_path: Path) -> None:
    first = files(tmp_path, a=[f"a{n}" for n in range(3000)], b=[f"b{n}" for n in range(3000)]).load()
    for split, share in ((first.dev, 0.1), (first.test, 0.2)):
        assert abs(len(split) / 6000 - share) < 6 * (share * (1 - share) / 6000) ** 0.5
    more = files(tmp_path, a=[f"a{n}" for n in range(-50, 4000)], b=[f"b{n}" for n in range(3000)]).load()
    assert set(first.test) <= set(more.test)
    assert set(first.dev) <= set(more.dev)
    assert set(first.train) <= set(more.train)


def test_the_first_rows_are_a_fair_sample(tmp_path: Path) -> None:
    rows = files(tmp_path, a=[f"a{n}" for n in range(2000)], b=[f"b{n}" for n in range(2000)]).load()
    first = [row.label or 0 for row in rows.train[:400]]
    assert abs(sum(first) - 200) < 6 * (400 * 0.25) ** 0.5


ROWS = [('第一，"行"', "x"), ("second\tone", "y"), ("三", "x"), ("四\n行", "y")]


def test_tables_say_the_same(tmp_path: Path) -> None:
    table = [(text, label) for n in range(30) for text, label in ((f"{t} {n}", label) for t, label in ROWS)]
    (tmp_path / "t.jsonl").write_text(
        "\n".join(json.dumps({"label": label, "text": text}) for text, label in table)
    )
    quoted = "\n".join(f'{label},"{text.replace(chr(34), chr(34) * 2)}"' for text, label in table)
    (tmp_path / "t.csv").write_text("label,text\r\n" + quoted, encoding="utf-8")
    loaded = [LabelledData(path=f"{tmp_path}/t.{kind}").load() for kind in ("jsonl", "csv")]
    assert loaded[0] == loaded[1]
    assert ('第一，"行" 3', "x") in all_rows(loaded[0])


def test_tsv_has_no_quoting_and_labels_may_be_numbers(tmp_path: Path) -> None:
    body = "".join(f'{n}\t"没有收口{n}\t{n % 2}\n' for n in range(60))
    (tmp_path / "t.tsv").write_text("id\tbody\tclass\n" + body, encoding="utf-8")
    rows = LabelledData(path=f"{tmp_path}/t.tsv", text="body", label="class").load()
    assert rows.labels == ("0", "1")
    assert ('"没有收口7', "1") in all_rows(rows)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "text,label\na,b\nc\n", r"t\.csv:3: 1 values, there are 2 columns"),
        ("t.csv", 'text,label\n"a,b\n', r"t\.csv:2: a quote is opened here and never closed"),
        ("t.tsv", "text\tlabels\na\tb\n", r"t\.tsv:1: no field 'label' \(fields: 'labels', 'text'\)"),
        ("t.jsonl", '{"text": 3, "label": "a"}', r"t\.jsonl:1: 'text' is the number 3, a string is needed"),
        ("t.jsonl", '{"text": "a", "label": 0.5}', r"'label' is the number 0\.5, a string or a whole number"),
        ("t.jsonl", '{"text": "a", "label": null}', "'label' is null: the row has no label"),
        ("t.jsonl", '{"text": "a", "label": " "}', "'label' is blank"),
        (
            "t.csv",
            "",
            r"t\.csv has no rows; give a file that has: below the names of its columns \(text, label",
        ),
        ("t.csv", "text,label\n,a\n ,b\n", r"t\.csv has no rows \(2 read: 2 without text\)"),
        (
            "t.csv",
            "text,label\na,b\na,c\n",
            r"0 label\(s\) \[\] \(2 read: 2 of one text with several",
        ),
        ("t.csv", "text,label\n" + "a,b\nc,d\n" * 9, r"2 rows \(18 read: 16 repeats\), none falls into"),
        (
            "t.csv",
            "text,label\n" + "".join(f"a{n},{n / 8}\n" for n in range(40)),
            r"40 labels in 40 rows \(column 'label'\), such as '0\.0', .*`value: COLUMN`",
        ),
        ("t.csv", "text,label\na,b\n", r"rows of 1 label\(s\) \['b'\]; two are needed"),
        ("t.csv", "text,label\na,b\nc,d\n", "2 rows, none falls into"),
    ],
)
def test_bad_tables_are_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadData, match=message):
        LabelledData(path=f"{tmp_path}/{name}").load()


def test_many_labels_of_few_rows_are_taken_where_all_are_named(tmp_path: Path) -> None:
    names = {f"c{n}": f"class {n}" for n in range(40)}
    body = "".join(f"{chr(0x4E00 + n)}字,c{n}\n" for n in range(40))
    (tmp_path / "t.csv").write_text("text,label\n" + body, encoding="utf-8")
    assert len(LabelledData.model_validate({"path": f"{tmp_path}/t.csv", "names": names}).load().labels) == 40


def test_a_label_that_is_nearly_another_is_told_with_it(tmp_path: Path) -> None:
    for name, label in (("train", "pos"), ("dev", "Pos")):
        body = "".join(f"{chr(0x4E00 + n)}字,{label if n % 2 else 'neg'}\n" for n in range(8))
        (tmp_path / f"{name}.csv").write_text("text,label\n" + body, encoding="utf-8")
    data = LabelledData(path=f"{tmp_path}/train.csv", dev=0.0, test=f"{tmp_path}/dev.csv")
    with pytest.raises(
        BadData, match=r"dev\.csv:3: label 'Pos' is in no training row .*did you mean 'pos'\?"
    ):
        data.load()
    with pytest.raises(BadData, match=r"dve names no file.*; a share of the rows is a number, such as 0\.1"):
        data.model_copy(update={"dev": "dve"}).load()


def test_rows_that_are_left_out_are_told(tmp_path: Path) -> None:
    body = "".join(f"{chr(0x4E00 + n)}字,{n % 2}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"text,label\n{body} ,0\nx,0\nx,1\n", encoding="utf-8")
    assert LabelledData(path=f"{tmp_path}/t.csv").load().remarks == (
        "1 of 63 labelled rows are left out: without text",
        "2 of 63 labelled rows are left out: of one text with several labels",
    )


def test_other_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"t\.xlsx: no reader is known for '\.xlsx'"):
        LabelledData(path=f"{tmp_path}/t.xlsx").load()
    (tmp_path / "t.txt").write_text("a")
    with pytest.raises(UsageError, match=r"t\.txt is no table, such as .* say `files`"):
        LabelledData(path=f"{tmp_path}/t.txt").load()


def test_archives_encodings_and_templates_are_read(tmp_path: Path) -> None:
    body = "".join(f"题{n},我们的第{n}篇,{n % 2}\n" for n in range(60))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", ("title,text,label\n" + body).encode("gb18030"))
    data = LabelledData(path=f"{tmp_path}/t.zip", text="{title}：{text}", encoding="gb18030")
    assert [file.name for file in data.outside()] == ["t.zip"]
    assert ("题7：我们的第7篇", "1") in all_rows(data.load())


def test_settings_that_cannot_be() -> None:
    for wrong in ({}, {"path": "x.csv", "files": {"a": "b"}}, {"path": "x.csv", "dev": 0.5, "test": 0.5}):
        with pytest.raises(ValidationError, match=r"give either|leave no rows"):
            LabelledData.model_validate(wrong)
