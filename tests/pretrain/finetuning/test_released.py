"""A fine-tuned network is found, opened, asked about further rows; what is wrong with it is one message."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import pipeline

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData
from corpora.reporter import Quiet
from pretrain.__main__ import main
from pretrain.finetuning import Finetune, finetune
from pretrain.finetuning.released import release
from tests.pretrain.finetuning.making import FILLER, make_export, make_folder
from tokenization.pretrained import Pretrained

Captured = pytest.CaptureFixture[str]
TEXTS = [FILLER[at % 7 : at % 7 + 4] + str(at) for at in range(40)]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return make_export(tmp_path_factory.mktemp("export") / "export")


def write_json_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def columns(folder: Path) -> dict[str, object]:
    """Tokens and tags: the first two characters of a row are a place, the others are none."""
    tags = ["B-LOC", "I-LOC", *"OOOOOO"]
    lines = [[f"{one} {tag}\n" for one, tag in zip(text, tags, strict=False)] for text in TEXTS]
    (folder / "rows.bio").write_text("\n".join("".join(row) for row in lines), "utf-8")
    return {"path": str(folder / "rows.bio"), "reader": "token_columns"}


def pairs(folder: Path) -> dict[str, object]:
    rows: list[dict[str, object]] = [
        {"one": text, "two": text[::-1], "label": "yes" if at % 2 else "no"} for at, text in enumerate(TEXTS)
    ]
    path = write_json_lines(folder / "rows.jsonl", rows)
    return {"path": str(path), "text": "one", "second": "two"}


def numbers(folder: Path) -> dict[str, object]:
    rows: list[dict[str, object]] = [{"text": text, "much": at / 10} for at, text in enumerate(TEXTS)]
    return {"path": str(write_json_lines(folder / "rows.jsonl", rows)), "value": "much"}


def questions(folder: Path) -> dict[str, object]:
    paragraphs = [
        {"context": text, "qas": [{"id": str(at), "question": "你", "answers": [answer]}]}
        for at, text in enumerate(TEXTS)
        for answer in [{"text": text[:2], "answer_start": 0}]
    ]
    path = folder / "rows.json"
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}), "utf-8")
    return {"path": str(path), "reader": "squad"}


MADE: dict[str, Callable[[Path], dict[str, object]]] = {
    "classification": pairs,
    "regression": numbers,
    "tagging": columns,
    "span_answers": questions,
}


def make_score(task: str, folder: Path, export: Artefact) -> Artefact:
    settings = {"length": 16, "epochs": 1, "batch": 16, "lr": 1e-2, "seeds": [0], "seed": 0, "task": task}
    data = {**MADE[task](folder), "dev": 0.2, "test": 0.2}
    config = Finetune.model_validate({**settings, "data": data})
    draft = Draft.open(folder / "score", "score", "test")
    return draft.commit(finetune(config, {"model": export}, draft, Quiet()))


@pytest.mark.parametrize("task", MADE)
def test_every_task_is_scored_and_its_network_finds_in_a_file_what_the_score_tells(
    task: str, tmp_path: Path, export: Artefact, capsys: Captured
) -> None:
    score = make_score(task, tmp_path, export)
    told = [line.split("\t") for line in score.file("predictions.tsv").read_text("utf-8").splitlines()]
    file = MADE[task](tmp_path)["path"]
    out = tmp_path / "found.tsv"
    assert main(["predict", str(score.path), str(file), "--out", str(out)]) == 0
    found = [line.split("\t") for line in out.read_text("utf-8").splitlines()]
    answers = {tuple(line[1:]): line[0] for line in found[1:]}
    assert len(found) == len(TEXTS) + 1
    assert told[0][:2] == ["label", "pretrained-0"]
    assert [line[1] for line in told[1:]] == [answers[tuple(line[2:])] for line in told[1:]]
    assert capsys.readouterr().out == f"40 rows: {out}\n"
    assert main(["predict", str(score.folder("model")), str(file)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in rows] == [line[1].replace("\\t", "\t") for line in found[1:]]


def test_lines_of_text_are_read_by_networks_of_one_text(
    tmp_path: Path, export: Artefact, capsys: Captured
) -> None:
    score = make_score("tagging", tmp_path, export)
    text = tmp_path / "more.txt"
    text.write_text("天地人\n\n  你我  \n", "utf-8")
    assert main(["predict", str(score.path), str(text)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["row"], row["text"]) for row in rows] == [
        ("more.txt:1", "天地人"),
        ("more.txt:3", "  你我  "),
    ]
    tag = pipeline("token-classification", model=str(score.folder("model")), aggregation_strategy="simple")
    for row in rows:
        theirs = [(one["start"], one["end"], one["entity_group"]) for one in tag(row["text"])]
        assert [(one["start"], one["end"], one["type"]) for one in row["spans"]] == theirs


def test_a_network_of_others_is_known_by_its_class(tmp_path: Path) -> None:
    """Without our file beside it: the names are those of its configuration."""
    from transformers import BertConfig, BertForSequenceClassification

    folder = make_folder(tmp_path / "bert")
    torch.manual_seed(0)
    config = BertConfig.from_pretrained(folder, id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1})
    BertForSequenceClassification(config).save_pretrained(folder)
    text = tmp_path / "rows.txt"
    text.write_text("天地人\n你我\n", "utf-8")
    model = release(Pretrained(path=str(folder)), torch.device("cpu"))
    found = [one for _, one, _ in model.find(model.read_lines(str(text)))]
    theirs = pipeline("text-classification", model=str(folder))(["天地人", "你我"])
    assert [one["label"] for one in found] == [one["label"] for one in theirs]
    assert [one["score"] for one in found] == pytest.approx([one["score"] for one in theirs], abs=1e-5)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bert", "rows.txt"], 3, "is a BertForPreTraining, which answers no task"),
        (["empty", "rows.txt"], 2, "empty holds no network (no config.json)"),
        (["bare", "rows.txt"], 3, "no tokenizer could be loaded from"),
        (["headless", "rows.txt"], 3, "has no weights of classifier.bias: it was not fine-tuned"),
        (["score/model", "rows.txt", "--out", "rows.doc"], 2, "give a name that ends in .jsonl or .tsv"),
        (["score/model", "none.txt"], 3, "none.txt"),
        (["score/model", "blank.txt"], 3, "blank.txt has no text"),
        (["score/model", "rows.jsonl"], 3, "rows.jsonl:2"),
        (["score/model", "rows.jsonl"], 3, "say which it is, as in --text txt"),
        (["score/model", "rows.txt", "--out", "folder.tsv"], 2, "give a name that ends in .jsonl or .tsv"),
        (["score/model", "rows.jsonl", "--out", "rows.jsonl"], 2, "is the file that is read, and would be"),
        (["score/model", "rows.txt", "--text", "a"], 2, "is read a text a line, so there is no column 'a'"),
        (["score/model", "pair.jsonl", "--second", "b"], 2, "--second b: this network reads one text a row"),
        (["score/model", "gbk.txt"], 3, "gbk.txt:1: not UTF-8 at byte 0"),
        (["mine", "rows.txt", "--runs", "more"], 2, "there is no run 'mine' in more, but 'mine2'"),
        (["mine2", "rows.txt", "--runs", "more"], 2, "its stages are not done"),
        (["score/model", "rows.txt", "--stage", "fine"], 2, "score/model is no folder of a run"),
        (["run", "rows.txt"], 2, "several stages with fine-tuned networks, say --stage: coarse, fine"),
        (["run", "rows.txt", "--stage", "fin"], 2, "of a stage 'fin' (it has: coarse, fine)"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    words: list[str], code: int, said: str, broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(broken)
    assert main(["predict", *words]) == code
    output, message = capsys.readouterr()
    assert said in message
    assert (output, message.count("\n")) == ("", 1)


def test_the_encoding_of_a_file_can_be_told(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(broken)
    assert main(["predict", "score/model", "gbk.txt", "--encoding", "gb18030"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "天地"


def test_a_stage_of_a_run_can_be_chosen(
    broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(broken)
    assert main(["predict", "run", "rows.txt", "--stage", "fine"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == "天"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, export: Artefact) -> Path:
    """Folders that hold a network, or nearly."""
    place = tmp_path_factory.mktemp("broken")
    make_folder(place / "bert")
    make_score("regression", place, export)
    for name in ("bare", "headless"):
        make_folder(place / name)
        config = json.loads((place / name / "config.json").read_text())
        config["architectures"] = ["BertForSequenceClassification"]
        (place / name / "config.json").write_text(json.dumps(config))
    for path in (place / "bare").glob("token*"):
        path.unlink()
    for name in ("empty", "run"):
        (place / name).mkdir()
    (place / "run" / "recipe.yaml").write_text("name: run\n")
    noted = {name: {"identity": {}, "artefact": "../score"} for name in ("coarse", "fine")}
    (place / "run" / "stages.json").write_text(json.dumps(noted))
    (place / "folder.tsv").mkdir()
    (place / "more" / "mine2").mkdir(parents=True)
    (place / "more" / "mine2" / "recipe.yaml").write_text("name: mine2\n")
    (place / "gbk.txt").write_text("天地\n", "gb18030")
    (place / "pair.jsonl").write_text('{"text": "天", "b": "地"}\n')
    (place / "rows.txt").write_text("天\n")
    (place / "blank.txt").write_text(" \n\n")
    (place / "rows.jsonl").write_text('{"text": "天"}\n{"txt": "天"}\n')
    return place


def test_the_form_of_the_file_travels_with_the_network(tmp_path: Path, export: Artefact) -> None:
    score = make_score("classification", tmp_path, export)
    taught = json.loads(score.file("model/task.json").read_text("utf-8"))
    assert taught["data"]["text"] == "one"
    assert str(tmp_path) not in json.dumps(taught)
    (score.folder("model") / "task.json").write_text('{"task": {"task": "tagging"}, "dat": 3}')
    with pytest.raises(BadData, match=r"task\.json: data: Field required"):
        release(Pretrained(path=str(score.path / "model")), torch.device("cpu"))
