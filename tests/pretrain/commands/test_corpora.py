"""`maskwright corpora` on small shards: counts that add up, lengths, documents, rejects."""

import json
from pathlib import Path

import pytest

from corpora.artefact import Artefact
from pretrain.__main__ import main
from pretrain.running import folders
from tests.corpora.making import make, some, write

Captured = pytest.CaptureFixture[str]

ODD = "id\x1b[31m[bold]"


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    folder = tmp_path_factory.mktemp("corpora")
    news = [*some(40), *some(3), "", "字"]
    notes = [json.dumps({"text": f"一则{'很长的' * 300}笔记\x1b[2J", "id": ODD}), json.dumps({"text": 1})]
    return make(
        folder / "shards",
        sources=[
            {"name": "news[1]", "path": write(folder / "news.txt", *news), "weight": 0.5},
            {"name": "notes", "path": write(folder / "notes.jsonl", *notes), "invalid": "reject"},
        ],
        cleaning=["light", {"name": "length", "least": 3}],
        max_dropped=1,
        validation=0.2,
    )


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    """Not cleaned: what is odd is still there to be shown."""
    folder = tmp_path_factory.mktemp("raw")
    row = json.dumps({"text": f"一则{'很长的' * 300}笔记\x1b[2J[red]", "id": ODD})
    row_to_show = json.dumps({"text": "短\x1b[2J[red]", "id": ODD})
    source = {"path": write(folder / "notes.jsonl", row, row_to_show), "cleaning": "none"}
    return make(folder / "shards", sources=[source], validation=0)


def told(captured: Captured, *words: object) -> str:
    assert main(["corpora", *map(str, words)]) == 0
    return captured.readouterr().out


def row_of(text: str, *begin: str) -> list[str]:
    """The numbers of the row of a table that begins so."""
    rows = [line.split() for line in text.splitlines()]
    return next(row[len(begin) :] for row in rows if row[: len(begin)] == list(begin))


def test_counts_by_source_and_reason(capsys: Captured, shards: Artefact) -> None:
    text = told(capsys, shards.path)
    facts = shards.facts["sources"]["news[1]"]
    train, validation = facts["train"]["documents"], facts["validation"]["documents"]
    left = facts["left_out"]["weight"]["documents"]
    assert train + validation + left == 40
    assert row_of(text, "news[1]") == ["45", str(train), str(validation), "0", "5", str(left)]
    assert row_of(text, "notes")[0] == "2"
    assert row_of(text, "all")[0] == "47"
    assert row_of(text, "news[1]", "duplicate")[0] == "3"
    assert row_of(text, "news[1]", "empty") == ["1", "0"]
    assert row_of(text, "news[1]", "short") == ["1", "1"]
    assert row_of(text, "news[1]", "weight", "(left", "out)")[0] == str(left)
    assert row_of(text, "notes", "bad_field")[0] == "1"


def test_lengths_and_documents(capsys: Captured, shards: Artefact) -> None:
    text = told(capsys, shards.path, "-n", 3)
    assert "train: documents by characters" in text
    documents = text[text.index("of text") :].split("\n\n")[1:]
    assert len(documents) == 3
    assert all("characters\n" in document for document in documents)
    assert text == told(capsys, shards.path, "-n", 3)
    assert text != told(capsys, shards.path, "-n", 3, "--seed", 7)
    assert "\n\n" not in told(capsys, shards.path, "-n", 0).partition("of text")[2]


def test_nothing_in_a_text_reaches_the_terminal_as_a_command(capsys: Captured, raw: Artefact) -> None:
    text = told(capsys, raw.path)
    assert "\x1b" not in text
    assert "短\\u001b[2J[red]" in text  # neither a command nor markup
    assert "id\\u001b[31m[bold]" in text
    assert f" … ({len('一则' + '很长的' * 300 + '笔记') + 9 - 600:,} more)" in text


def test_rejects_of_every_source(capsys: Captured, shards: Artefact) -> None:
    text = told(capsys, shards.path, "--rejects")
    heads = [line.split()[:2] for line in text.splitlines() if line.endswith("characters")]
    assert sorted(map(tuple, heads)) == [
        ("bad_field", "notes"),
        *[("duplicate", "news[1]")] * 3,
        ("empty", "news[1]"),
        ("short", "news[1]"),
    ]
    assert "notes.jsonl:2" in text
    one = told(capsys, shards.path, "--rejects", "--source", "notes")
    assert (one.count("characters\n"), "bad_field" in one) == (1, True)


def test_rejects_say_what_they_share(capsys: Captured, tmp_path: Path) -> None:
    texts, row = some(9), "这一行是测试用的句子，很长很长很长。"
    made = make(
        tmp_path / "shards",
        sources=[write(tmp_path / "a.txt", *texts, f"前面。{row}后面。")],
        decontamination={"texts": [write(tmp_path / "test.txt", row)]},
        validation=0,
    )
    text = told(capsys, made.path, "--rejects")
    assert f"shared with test.txt: {row[:13]}" in text


def test_a_source_without_anything_to_show(capsys: Captured, raw: Artefact) -> None:
    assert "no rejects to show" in told(capsys, raw.path, "--rejects")
    text = told(capsys, raw.path, "--split", "validation")
    assert "validation: no documents" in text
    assert text.endswith("no documents to show\n")
    assert "nothing was dropped" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "new"], "no source 'new'; there are news[1], notes"),
        (["--split", "test"], "no split 'test'; they have train and validation"),
        (["-n", "-3"], "got '-3', a whole number is needed, 0 or more"),
        (["--seed", "x"], "got 'x', a whole number is needed, 0 or more"),
    ],
)
def test_what_cannot_be_shown(capsys: Captured, shards: Artefact, words: list[str], said: str) -> None:
    assert main(["corpora", str(shards.path), *words]) == 2
    assert said in capsys.readouterr().err


def test_the_folder_of_a_run(capsys: Captured, shards: Artefact, tmp_path: Path) -> None:
    folders.remember(tmp_path, "shards", {}, shards.path)
    assert told(capsys, tmp_path) == told(capsys, shards.path)
