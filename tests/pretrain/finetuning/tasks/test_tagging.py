"""Tagging: labels, windows and spans, and agreement with transformers' pipeline."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import pipeline

from corpora.labelled import Row, Span
from pretrain.finetuning import heads
from pretrain.finetuning.examples import NOT_COUNTED, Examples
from pretrain.finetuning.loop import predict
from pretrain.finetuning.tasks import Tagging
from pretrain.finetuning.windows import Passage
from tests.pretrain.finetuning.making import FILLER, make_examples, make_folder, make_network, open_tokenizer

TASK = Tagging()
TYPES = ("LOC", "PER")
NAMES = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
TEXT = (FILLER * 3)[:30]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


def tags(examples: Examples[Passage], number: int) -> list[str]:
    labels = examples.labels[number].tolist()
    return [" " if label == NOT_COUNTED else NAMES[label] for label in labels]


def said_of(examples: Examples[Passage], tags: dict[int, list[str]]) -> list[np.ndarray]:
    """Scores that favour the given tag of each token of each row, whatever the window."""
    found = []
    for window in examples.windows:
        scores = np.zeros((len(window.ids) + 2, len(NAMES)), dtype=np.float32)  # two pads behind
        own = tags[window.row][window.first : window.first + len(window.places)]
        for place, tag in enumerate(own, window.start):
            scores[place, NAMES.index(tag)] = 5
        found.append(scores)
    return found


def test_every_token_of_a_span_learns_its_tag(folder: Path) -> None:
    row = Row("我 在天地x，日月", spans=(Span(3, 5, "LOC"), Span(7, 9, "PER")))
    examples = make_examples([row], folder, task=TASK)
    assert tags(examples, 0) == [" ", "O", "O", "B-LOC", "I-LOC", "O", "O", "B-PER", "I-PER", " "]
    assert examples.names == NAMES


def test_a_token_in_several_windows_learns_once(folder: Path) -> None:
    row = Row(TEXT, spans=(Span(0, 30, "LOC"),))
    examples = make_examples([row], folder, 14, TASK)
    assert len(examples) == 3
    counted = [label for labels in examples.labels for label in labels if label != NOT_COUNTED]
    assert [NAMES[label] for label in counted] == ["B-LOC", *["I-LOC"] * 29]


@pytest.mark.parametrize("length", [14, 24])
def test_what_the_windows_say_is_put_together_in_characters_of_the_text(folder: Path, length: int) -> None:
    rows = [Row(TEXT), Row(" 天 地")]
    examples = make_examples(rows, folder, length, TASK)
    wanted = {0: ["O"] * 30, 1: ["I-PER", "B-PER"]}
    wanted[0][9:20] = ["B-LOC", *["I-LOC"] * 10]  # across windows
    said = said_of(examples, wanted)
    assert TASK.answers(said, examples) == [[[9, 20, "LOC"]], [[1, 2, "PER"], [3, 4, "PER"]]]
    first = TASK.predictions(said, examples)[0]["spans"][0]
    assert first["text"] == TEXT[9:20]
    assert first["score"] == pytest.approx(np.exp(5) / (np.exp(5) + 4), abs=1e-5)
    assert TASK.shown([[1, 2, "PER"], [3, 4, "PER"]], rows[1], TYPES) == "1-2 PER 天; 3-4 PER 地"


def test_tokens_of_the_file_have_the_tag_of_their_first_piece(folder: Path) -> None:
    """A word of two pieces, then two words in one piece: [UNK] stands for all of "xyz"."""
    row = Row("天地 xyz", tokens=((0, 2), (3, 4), (4, 6)), spans=(Span(0, 2, "LOC"),))
    examples = make_examples([row], folder, task=TASK)
    assert TASK.answers(said_of(examples, {0: ["B-LOC", "O", "B-PER"]}), examples) == [
        [[0, 2, "LOC"], [3, 6, "PER"]]
    ]
    assert TASK.answers(said_of(examples, {0: ["O", "B-LOC", "O"]}), examples) == [[]]


def test_scores_are_strict_and_tell_every_type() -> None:
    rows = [Row(TEXT, spans=(Span(0, 2, "LOC"), Span(4, 6, "LOC")))]
    answers = [[[0, 2, "LOC"], [4, 7, "LOC"], [9, 10, "PER"]]]
    scores = Tagging(metrics=("f1", "accuracy")).measures(rows, answers, ("LOC", "ORG", "PER"))
    assert list(scores) == ["f1", "accuracy", "f1/LOC", "f1/ORG", "f1/PER"]
    assert scores == pytest.approx({"f1": 0.4, "accuracy": 28 / 30, "f1/LOC": 0.5, "f1/ORG": 0, "f1/PER": 0})


def test_loss_and_divergence_are_means_over_the_tags_that_count(folder: Path) -> None:
    examples = make_examples([Row(TEXT, spans=(Span(0, 3, "LOC"),)), Row("天")], folder, 14, TASK)
    labels = examples.batch(np.arange(len(examples))).labels
    torch.manual_seed(0)
    one, other = (torch.randn(*labels.shape, 5, dtype=torch.float32) for _ in range(2))
    counted = labels != NOT_COUNTED
    chances = [said.double().log_softmax(-1)[counted] for said in (one, other)]
    wanted = -chances[0][torch.arange(len(chances[0])), labels[counted]].mean()
    assert TASK.loss(one, labels).item() == pytest.approx(wanted.item(), rel=1e-5)
    kl = (chances[0].exp() * (chances[0] - chances[1])).sum(-1).mean()
    back = (chances[1].exp() * (chances[1] - chances[0])).sum(-1).mean()
    assert TASK.divergence(one, other, labels).item() == pytest.approx(kl.item(), rel=1e-5)
    assert TASK.symmetric(one, other, labels).item() == pytest.approx((kl + back).item(), rel=1e-5)
    nothing = torch.full_like(labels, NOT_COUNTED)
    assert TASK.loss(one, nothing).item() == 0
    assert TASK.divergence(one, other, nothing).item() == 0


def test_transformers_pipeline_finds_the_same_spans(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = make_network(folder, TASK, TYPES)
    with torch.no_grad():
        network.get_parameter("classifier.weight").mul_(20)  # tags of all kinds, not one everywhere
    heads.save(network, open_tokenizer(folder), tmp_path / "model")
    rows = [Row(TEXT[:20]), Row("我 在天地x，日月"), Row("好坏")]
    examples = make_examples(rows, folder, task=TASK)
    ours = TASK.predictions(predict(network, examples, TASK), examples)
    tag = pipeline("token-classification", model=str(tmp_path / "model"), aggregation_strategy="simple")
    for row, found in zip(rows, ours, strict=True):
        theirs = tag(row.text)
        assert [(s["start"], s["end"], s["type"]) for s in found["spans"]] == [
            (one["start"], one["end"], one["entity_group"]) for one in theirs
        ]
        scores = [float(one["score"]) for one in theirs]
        assert [s["score"] for s in found["spans"]] == pytest.approx(scores, abs=1e-5)
    assert sum(len(found["spans"]) for found in ours) > 5


def test_spans_that_no_tags_can_say_are_told(folder: Path) -> None:
    nested = Row("天地人你", spans=(Span(0, 2, "LOC"), Span(0, 4, "PER")))
    within = Row("xyz天", spans=(Span(1, 4, "LOC"),))
    assert list(TASK.remarks(make_examples([nested, within, Row("天")], folder, task=TASK))) == [
        "1 of 3 spans to learn lie within or across others: no tags say that, they count as missed",
        "1 of 3 spans to learn begin or end within a token: no tags say that, they count as missed",
    ]
    assert not list(TASK.remarks(make_examples([Row(TEXT, spans=(Span(0, 30, "LOC"),))], folder, 14, TASK)))
