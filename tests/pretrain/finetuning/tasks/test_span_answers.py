"""Span answers: labels, windows, the best span of all of them, agreement with transformers' class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from corpora.errors import BadData
from corpora.labelled import Answer, Row
from pretrain.finetuning import heads
from pretrain.finetuning.examples import Examples
from pretrain.finetuning.loop import predict
from pretrain.finetuning.tasks import SpanAnswers
from pretrain.finetuning.tasks.span_answers import IMPOSSIBLE
from pretrain.finetuning.windows import Passage
from tests.pretrain.finetuning.making import FILLER, make_examples, make_folder, make_network, open_tokenizer

TASK = SpanAnswers(question=4)
TEXT = (FILLER * 3)[:30]
ROW = Row(TEXT, second="好坏好", answers=(Answer(10, TEXT[10:13]),), identity="dev.json:7")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


def said_of(
    examples: Examples[Passage], spans: dict[tuple[int, int], float], nothing: float
) -> list[np.ndarray]:
    """Scores of each window: of some spans (characters of the only row, whole in the window), of nothing."""
    found = []
    for window in examples.windows:
        scores = np.full((len(window.ids) + 2, 2), -9, dtype=np.float32)  # two pads behind
        scores[0] = nothing / 2
        for (start, end), score in spans.items():
            if start >= window.first and end <= window.first + len(window.places):
                scores[window.start + start - window.first, 0] = score / 2
                scores[window.start + end - 1 - window.first, 1] = score / 2
        found.append(scores)
    return found


def test_a_window_learns_the_answer_that_is_all_in_it_and_else_nothing(folder: Path) -> None:
    examples = make_examples([ROW], folder, 17, TASK)
    wanted = {}
    for window, labels in zip(examples.windows, examples.labels, strict=True):
        inside = window.first <= 10 and window.first + len(window.places) >= 13
        first, last = labels.tolist()
        assert (first > 0) == inside
        if inside:
            assert window.places[first - window.start].tolist() == [10, 11]
            assert window.places[last - window.start].tolist() == [12, 13]
        wanted[window.first] = inside
    assert set(wanted.values()) == {True, False}


def test_the_answer_is_the_best_span_of_all_windows_in_characters_of_the_text(folder: Path) -> None:
    examples = make_examples([ROW], folder, 17, TASK)
    assert len(examples) > 2
    said = said_of(examples, {(3, 4): 1.0, (20, 23): 3.0, (10, 12): 2.0}, nothing=0.0)
    assert TASK.answers(said, examples) == [{"start": 20, "text": TEXT[20:23]}]
    (found,) = TASK.predictions(said, examples)
    assert (found["answer"], found["start"], found["end"], found["score"]) == (TEXT[20:23], 20, 23, 3.0)
    assert TASK.shown({"start": 20, "text": TEXT[20:23]}, ROW, ()) == TEXT[20:23]


def test_an_answer_is_not_longer_than_allowed_and_does_not_end_before_it_begins(folder: Path) -> None:
    examples = make_examples([Row(TEXT[:12], second="好")], folder, 24, TASK)
    (window,) = examples.windows
    said = np.full((len(window.ids), 2), -9, dtype=np.float32)
    said[window.start + 11, 0] = said[window.start + 2, 1] = 5  # would be best, back to front
    said[window.start + 3, 0] = 3
    said[window.start + 9, 1] = 4
    assert SpanAnswers(longest=7).answers([said], examples) == [{"start": 3, "text": TEXT[3:10]}]
    assert SpanAnswers(longest=6).answers([said], examples)[0]["text"] != TEXT[3:10]


@pytest.mark.parametrize(("threshold", "text"), [(0.0, ""), (0.9, ""), (1.1, TEXT[3:4])])
def test_nothing_is_said_where_nothing_scores_better_by_the_threshold(
    folder: Path, threshold: float, text: str
) -> None:
    examples = make_examples([ROW], folder, 17, TASK)
    said = said_of(examples, {(3, 4): 1.0}, nothing=2.0)
    task = SpanAnswers(no_answer=True, threshold=threshold)
    assert task.answers(said, examples)[0]["text"] == text
    assert TASK.answers(said, examples)[0]["text"] == TEXT[3:4]  # every question has an answer


def test_scores_tell_questions_with_and_without_an_answer(folder: Path) -> None:
    rows = [ROW, Row(TEXT, second="好"), Row(TEXT, second="坏", answers=(Answer(0, "天"), Answer(0, "天地")))]
    answers = [{"start": 0, "text": "天"}, {"start": 0, "text": ""}, {"start": 0, "text": "天地"}]
    scores = SpanAnswers(scorer="cmrc", metrics=("em", "f1")).measures(rows, answers, ())
    assert list(scores)[:2] == ["em", "f1"]
    assert scores["em"] == pytest.approx(2 / 3)
    assert (scores["em/answered"], scores["em/unanswered"]) == (0.5, 1.0)
    assert list(TASK.measures([ROW], [{"start": 10, "text": TEXT[10:13]}], ())) == ["f1", "em"]


def test_loss_is_transformers_own_but_for_positions_that_cannot_be_answers(folder: Path) -> None:
    """With all positions possible, it is what `transformers` computes itself from the same labels."""
    network = make_network(folder, TASK, ())
    network.train(False)
    batch = make_examples(
        [ROW, Row("天地人", second="好", answers=(Answer(1, "地"),))], folder, 24, TASK
    ).batch(np.array([0, 1, 2]))
    device = torch.device("cpu")
    with torch.no_grad():
        first, last = batch.labels.T
        theirs = network(**batch.inputs(device), start_positions=first, end_positions=last)
        said = TASK.said(theirs, batch)
        assert batch.possible is not None
        assert (said[~batch.possible] == IMPOSSIBLE).all()
        assert torch.equal(said[batch.possible][:, 0], theirs.start_logits[batch.possible])
        plain = torch.stack([theirs.start_logits, theirs.end_logits], -1)
        assert TASK.loss(plain, batch.labels).item() == pytest.approx(theirs.loss.item(), rel=1e-5)
        assert torch.isfinite(TASK.loss(said, batch.labels))


def test_divergence_is_that_of_the_first_plus_that_of_the_last_token() -> None:
    torch.manual_seed(0)
    one, other = torch.randn(3, 7, 2), torch.randn(3, 7, 2)
    one[:, 5:] = other[:, 5:] = IMPOSSIBLE
    wanted = sum(
        functional.kl_div(
            other[..., side].double().log_softmax(-1),
            one[..., side].double().log_softmax(-1),
            log_target=True,
            reduction="batchmean",
        )
        for side in (0, 1)
    )
    labels = torch.zeros(3, 2, dtype=torch.long)
    assert TASK.divergence(one, other, labels).item() == pytest.approx(float(wanted), rel=1e-5)
    back = TASK.divergence(other, one, labels).item()
    assert TASK.symmetric(one, other, labels).item() == pytest.approx(float(wanted) + back, rel=1e-5)


def test_questions_without_an_answer_must_be_asked_for(folder: Path) -> None:
    unanswered = Row(TEXT, second="好", identity="train.json:12")
    with pytest.raises(BadData, match=r"train\.json:12: the question has no answer.*no_answer: true"):
        TASK.check([ROW, unanswered])
    SpanAnswers(no_answer=True).check([ROW, unanswered])
    with pytest.raises(BadData, match=r"train\.json:12: no question"):
        make_examples([Row(TEXT, identity="train.json:12")], folder, task=TASK)


def test_the_answer_is_that_of_transformers_class(folder: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = make_network(folder, TASK, ())
    network.train(False)
    with torch.no_grad():
        network.get_parameter("qa_outputs.weight").mul_(20)
    heads.save(network, open_tokenizer(folder), tmp_path / "model")
    rows = [Row(TEXT[at : at + 12], second=TEXT[at + 2 : at + 5]) for at in (0, 5, 9)]
    examples = make_examples(rows, folder, task=TASK)
    ours = TASK.predictions(predict(network, examples, TASK), examples)
    model = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    for row, found in zip(rows, ours, strict=True):
        assert row.second is not None
        inputs = tokenizer(row.second, row.text, return_tensors="pt", return_offsets_mapping=True)
        places, start = inputs.pop("offset_mapping")[0].tolist(), len(row.second) + 2
        with torch.no_grad():
            said = model(**inputs)
        sums = {
            (first, last): float(said.start_logits[0, first] + said.end_logits[0, last])
            for first in range(start, len(places) - 1)
            for last in range(first, len(places) - 1)
        }
        first, last = max(sums, key=lambda pair: sums[pair])
        assert (found["start"], found["end"]) == (places[first][0], places[last][1])
        nothing = float(said.start_logits[0, 0] + said.end_logits[0, 0])
        assert found["score"] == pytest.approx(sums[first, last] - nothing, abs=1e-4)
