"""Classification and regression: losses, divergences, agreement with transformers' pipeline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import pipeline

from corpora.labelled import Row
from pretrain.finetuning import heads
from pretrain.finetuning.loop import predict
from pretrain.finetuning.tasks import Classification, Regression, Task
from tests.pretrain.finetuning.making import make_examples, make_folder, make_network, open_tokenizer

ROWS = [Row("天地", second="好", label=1), Row("人", second="坏你他", label=0)]
SINGLES = [Row("天地", label=1), Row("人好", label=0)]
LABELS = ("bad", "good")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


@pytest.mark.parametrize("rows", [ROWS, SINGLES])
@pytest.mark.parametrize("task", [Classification(), Regression()])
def test_transformers_pipeline_says_the_same(
    folder: Path, tmp_path: Path, task: Task, rows: list[Row]
) -> None:
    torch.manual_seed(0)
    network = make_network(folder, task, LABELS)
    with torch.no_grad():
        network.get_parameter("classifier.weight").mul_(200)
    heads.save(network, open_tokenizer(folder), tmp_path / "model")
    examples = make_examples(rows, folder, task=task)
    ours = task.predictions(predict(network, examples, task), examples)
    classify = pipeline("text-classification", model=str(tmp_path / "model"))
    pairs: Any = [{"text": row.text, "text_pair": row.second} for row in rows]
    theirs = classify(pairs)
    if isinstance(task, Classification):
        assert [one["label"] for one in ours] == [one["label"] for one in theirs]
    values = [one.get("score", one.get("value")) for one in ours]
    assert values == pytest.approx([one["score"] for one in theirs], abs=1e-5)


def test_pairs_are_told_apart(folder: Path) -> None:
    """Which text is which matters: the answer to a pair is not that to the pair turned round."""
    network = make_network(folder)
    turned = [Row(row.second or "", second=row.text, label=row.label) for row in ROWS]
    task = Classification()
    said = [predict(network, make_examples(rows, folder), task) for rows in (ROWS, turned)]
    assert not np.allclose(said[0], said[1])


def test_regression_squares() -> None:
    task, said, labels = Regression(), torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0])
    assert task.loss(said, labels).item() == 2.0
    other = torch.tensor([0.0, 3.0], requires_grad=True)
    assert task.divergence(said, other, labels).item() == 0.5
    for constant in ("each", "first", "none"):
        one = said.clone().requires_grad_()
        value = task.symmetric(one, other, labels, constant)
        (gradient,) = torch.autograd.grad(value, one, allow_unused=True)
        assert value.item() == 0.5
        assert (gradient is None) == (constant == "first")
    scores = task.measures(
        [Row("a", label=1.0), Row("b", label=2.0), Row("c", label=4.0)], [1.0, 2.0, 9.0], ()
    )
    assert scores == pytest.approx({"pearson": np.corrcoef([1, 2, 4], [1, 2, 9])[0, 1], "spearman": 1.0})
    assert task.shown(1.23456, ROWS[0], ()) == "1.235"


def test_divergence_of_classes_is_a_mean_over_rows() -> None:
    task = Classification()
    one, other = torch.randn(4, 3), torch.randn(4, 3)
    p, q = (said.double().log_softmax(-1) for said in (one, other))
    kl = (p.exp() * (p - q)).sum() / 4
    assert task.divergence(one, other, torch.zeros(4)).item() == pytest.approx(kl.item(), rel=1e-5)


def test_the_first_metric_chooses_and_each_is_told() -> None:
    task = Classification(metrics=("matthews", "accuracy", "f1"))
    rows = [Row(str(label), label=label) for label in (0, 0, 1, 1)]
    scores = task.measures(rows, [0, 1, 1, 1], LABELS)
    assert task.chooses_by == "matthews"
    assert scores == pytest.approx({"matthews": 1 / 3**0.5, "accuracy": 0.75, "f1": 0.8})
