"""Named layouts: a file of each published form, as its publisher writes it, is read to the right rows."""

import json
from pathlib import Path
from typing import get_args

import pytest

from corpora.errors import BadData
from corpora.labelled import Answer, LabelledData, LabelledRows, Row, Span
from corpora.labelled.layouts import LAYOUTS, Layout


def table(*lines: str) -> str:
    """Values between tabs, here between bars."""
    return "".join(line.replace("|", "\t") + "\n" for line in lines)


MSR = table("\ufeffQuality|#1 ID|#2 ID|#1 String|#2 String", "1|7|8|One|Two", "0|7|8|x|y")
STSB = table("index|genre|sentence1|sentence2|score", "0|news|A plane|An air plane|5.000", "1|news|x|y|0.5")
QQP = "id|qid1|qid2|question1|question2|is_duplicate"
MNLI = "index|promptID|pairID|genre|sentence1|sentence2|label1|gold_label"
QNLI = table("index|question|sentence|label", "0|Who?|He.|entailment", "1|q|s|not_entailment")
RTE = table("index|sentence1|sentence2|label", "0|Who?|He.|entailment", "1|q|s|not_entailment")
PAIRS = table("喜欢|爱|1", "甲|乙|0")
XNLI = "language|gold_label|sentence1|sentence2"
TNEWS = """{"label": "108", "label_desc": "news_edu", "sentence": "上课", "keywords": ""}
{"label": "104", "label_desc": "news_finance", "sentence": "股票", "keywords": ""}
"""
OCNLI = """{"sentence1": "甲", "sentence2": "乙", "label": "neutral", "id": 0}
{"sentence1": "丙", "sentence2": "丁", "label": "-", "id": 1}
{"sentence1": "戊", "sentence2": "己", "label": "entailment", "id": 2}
"""
ANSWERED = {"id": "q", "question": "谁", "answers": [{"text": "甲", "answer_start": 0}]}
SQUAD = json.dumps({"data": [{"paragraphs": [{"context": "甲在乙", "qas": [ANSWERED]}]}]})
CLUENER = '{"text": "甲乙", "label": {"PER": {"甲": [[0, 0]]}}}\n'
ENTITY = {"start_idx": 0, "end_idx": 0, "type": "PER", "entity": "甲"}
CMEEE = json.dumps([{"text": "甲乙", "entities": [ENTITY]}])
STS = json.dumps(
    [
        {"id": 1, "text1": "甲", "text2": "乙", "label": "0", "category": "x"},
        {"id": 2, "text1": "丙", "text2": "丁", "label": "1", "category": "x"},
    ]
)


def alike(names: str, content: str) -> dict[str, str]:
    """Files of one form."""
    return dict.fromkeys(names.split(), content)


FILES: dict[str, dict[str, str]] = {  # layout -> {file: what is in it}
    "cola": {
        "train.tsv": table('gj04|1||The "sailors', "gj04|0|*|Sailors the"),
        "dev.tsv": table("gj04|1||A dog"),
    },
    "sst2": {
        "train.tsv": table("sentence|label", "fine|1", "poor|0"),
        "dev.tsv": table("sentence|label", "nice|1"),
    },
    "mrpc": alike("train.tsv dev.tsv", MSR),
    "msr_paraphrase": alike("msr_paraphrase_train.txt msr_paraphrase_test.txt", MSR),
    "stsb": alike("train.tsv dev.tsv", STSB),
    "qqp": {
        "train.tsv": table(QQP, "0|1|2|How?|Why?|0", "1|2|3|cut off", '2|3|4|A"|B|1'),
        "dev.tsv": table(QQP, "0|1|2|C|D|0"),
    },
    "mnli": {
        "train.tsv": table(MNLI, *(f"0|1|2|x|p{label}|h|{label}|{label}" for label in "abc")),
        "dev_matched.tsv": table(MNLI, "0|1|2|x|p|h|a|a"),
        "dev_mismatched.tsv": table(MNLI, "0|1|2|x|p2|h2|b|b"),
    },
    "qnli": alike("train.tsv dev.tsv", QNLI),
    "rte": alike("train.tsv dev.tsv", RTE),
    "chnsenticorp": alike("train.tsv dev.tsv test.tsv", table("label|text_a", '1|"好', "0|坏")),
    "thucnews": alike("cnews.train.txt cnews.val.txt cnews.test.txt", table("体育|球", "财经|钱")),
    "thucnews_titles": alike("train.txt dev.txt test.txt", table("球|7", "钱|0")),
    "lcqmc": alike("train.tsv dev.tsv test.tsv", PAIRS),
    "bq": alike("train.tsv dev.tsv test.tsv", PAIRS),
    "xnli": {
        "XNLI-MT-1.0/multinli/multinli.train.zh.tsv": table(
            "premise|hypo|label", "甲|乙|neutral", "丙|丁|contradictory"
        ),
        "XNLI-1.0/xnli.dev.tsv": table(XNLI, "ar|neutral|x|y", "zh|contradiction|戊|己"),
        "XNLI-1.0/xnli.test.tsv": table(XNLI, "zh|neutral|庚|辛"),
    },
    "tnews": alike("train.json dev.json", TNEWS),
    "ocnli": alike("train.50k.json dev.json", OCNLI),
    "cmrc2018": alike("cmrc2018_train.json cmrc2018_trial.json cmrc2018_dev.json", SQUAD),
    "drcd": alike("DRCD_training.json DRCD_dev.json DRCD_test.json", SQUAD),
    "msra_ner": alike("msra_train_bio.txt msra_test_bio.txt", table("甲|B-PER", "乙|O")),
    "cluener": alike("train.json dev.json", CLUENER),
    "cmeee": alike("CMeEE_train.json CMeEE_dev.json", CMEEE),
    "chip_sts": alike("CHIP-STS_train.json CHIP-STS_dev.json", STS),
}

FIRST: dict[str, Row] = {  # of the training rows
    "cola": Row('The "sailors', label=1),
    "sst2": Row("fine", label=1),
    "mrpc": Row("One", "Two", label=1),
    "msr_paraphrase": Row("One", "Two", label=1),
    "stsb": Row("A plane", "An air plane", label=5.0),
    "qqp": Row("How?", "Why?", label=0, id="0"),
    "mnli": Row("pa", "h", label=0),
    "qnli": Row("Who?", "He.", label=0),
    "rte": Row("Who?", "He.", label=0),
    "chnsenticorp": Row('"好', label=1),
    "thucnews": Row("球", label=0),
    "thucnews_titles": Row("球", label=8),  # number 7 in the file, "sports"; our numbers are alphabetical
    "lcqmc": Row("喜欢", "爱", label=1),
    "bq": Row("喜欢", "爱", label=1),
    "xnli": Row("甲", "乙", label=2),
    "tnews": Row("上课", label=0),
    "ocnli": Row("甲", "乙", label=1, id="0"),
    "cmrc2018": Row("甲在乙", "谁", answers=(Answer(0, "甲"),), id="q"),
    "drcd": Row("甲在乙", "谁", answers=(Answer(0, "甲"),), id="q"),
    "msra_ner": Row("甲乙", spans=(Span(0, 1, "PER"),), tokens=((0, 1), (1, 2))),
    "cluener": Row("甲乙", spans=(Span(0, 1, "PER"),)),
    "cmeee": Row("甲乙", spans=(Span(0, 1, "PER"),)),
    "chip_sts": Row("甲", "乙", label=0, id="1"),
}


def published(layout: str, folder: Path) -> Path:
    for name, content in FILES[layout].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


def load(folder: Path, layout: str, **more: object) -> LabelledRows:
    return LabelledData.model_validate({"layout": layout, "path": str(folder), **more}).load()


def test_every_layout_is_tried() -> None:
    assert set(get_args(Layout)) == set(LAYOUTS) == set(FILES) == set(FIRST)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_published_files_are_read(layout: str, tmp_path: Path) -> None:
    data = LabelledData.model_validate({"layout": layout, "path": str(published(layout, tmp_path))})
    assert data.layout is None  # it stands for what it says, and the effective recipe says that
    assert data == LabelledData.model_validate(data.model_dump())
    assert {Path(str(file)) for file in data.outside()} == {tmp_path / name for name in FILES[layout]}
    rows = data.load()
    assert rows.kind == data.kind
    assert rows.train[0] == FIRST[layout]
    assert rows.train[0].identity.startswith(f"{next(iter(FILES[layout])).rpartition('/')[2]}:")
    assert rows.test
    assert bool(rows.dev) == (data.dev != 0)


def test_what_is_special_to_some(tmp_path: Path) -> None:
    mnli = load(published("mnli", tmp_path / "mnli"), "mnli")
    assert [row.text for row in mnli.others["mismatched"]] == ["p2"]
    ocnli = load(published("ocnli", tmp_path / "ocnli"), "ocnli")
    assert (ocnli.labels, ocnli.counts["unlabelled"]) == (("entailment", "neutral"), 2)
    xnli = load(published("xnli", tmp_path / "xnli"), "xnli")
    assert [row.text for row in xnli.dev] == ["戊"]
    assert xnli.labels == ("contradiction", "entailment", "neutral")
    qqp = load(published("qqp", tmp_path / "qqp"), "qqp")
    assert (len(qqp.train), qqp.counts["invalid"]) == (2, 1)
    assert qqp.remarks == ("1 of 4 labelled rows could not be read and are left out",)
    titles = load(published("thucnews_titles", tmp_path / "titles"), "thucnews_titles")
    assert titles.labels[int(titles.train[0].label or 0)] == "sports"


def test_what_is_said_besides_counts(tmp_path: Path) -> None:
    folder = published("sst2", tmp_path)
    (tmp_path / "mine.tsv").write_text("sentence\tlabel\nso so\t0\n", "utf-8")
    rows = load(folder, "sst2", test=str(tmp_path / "mine.tsv"), text=["text", "sentence"])
    assert [row.text for row in rows.test] == ["so so"]
    one = load(folder / "train.tsv", "sst2", dev=0, test=0)  # a file: no others are looked for
    assert len(one.train) == 2
    with pytest.raises(BadData, match=r"DRCD_training\.json names no file"):
        load(folder, "drcd")
