"""What a person reads: the summary line to the letter, a table, a file of answers that reads back."""

import csv
import io

from corpora.labelled import LabelledRows
from pretrain.finetuning.runs import Run
from pretrain.finetuning.scores import by_arm, predictions, summary, table

ROWS = LabelledRows(
    labels=("负面", "正面"),
    train=(("好", 1), ("坏", 0)),
    dev=(),
    test=(('他说"好"', 1), ("tab\there \\t\nnew\rline", 0), ("坏", 0), ("糟", 0)),
    counts={},
)


def run(arm: str, seed: int | None, accuracy: float, answers: tuple[int, ...] = (1, 0, 0, 0)) -> Run:
    return Run.model_validate(
        {
            "arm": arm,
            "seed": seed,
            "test": {"accuracy": accuracy, "macro_f1": accuracy / 2},
            "answers": answers,
        }
    )


RUNS = [
    run("pretrained", 0, 0.81),
    run("pretrained", 1, 0.82, (1, 1, 0, 0)),
    run("random_init", 0, 0.79),
    run("random_init", 1, 0.79),
    run("tfidf", None, 0.861, (0, 0, 0, 0)),
]


def test_the_summary_is_one_readable_line() -> None:
    assert summary(by_arm(RUNS), "accuracy", 2987) == (
        "accuracy 0.815 ± 0.007 (2 seeds) | random init 0.790 ± 0.000 | "
        "TF-IDF + logistic regression 0.861 | 2,987 held-out rows"
    )


def test_the_summary_of_a_single_run_claims_no_spread() -> None:
    assert summary(by_arm(RUNS[:1]), "accuracy", 5) == "accuracy 0.810 (1 seed) | 5 held-out rows"


def test_the_table_names_every_arm_and_the_model_that_was_kept() -> None:
    page = table(by_arm(RUNS), ROWS, RUNS[1])
    assert "| pre-trained | 0.815 ± 0.007 | 0.407 ± 0.004 | 0.810 0.820 |" in page
    assert "Always the most frequent class: accuracy 0.750." in page
    assert "`model/` holds pre-trained, seed 1, epoch 1:" in page


def test_answers_read_back_with_the_text_whatever_is_in_it() -> None:
    lines = csv.DictReader(io.StringIO(predictions(RUNS, ROWS)), delimiter="\t", quoting=csv.QUOTE_NONE)
    rows = list(lines)
    assert [row["label"] for row in rows] == ["正面", "负面", "负面", "负面"]
    assert [row["pretrained-1"] for row in rows] == ["正面", "正面", "负面", "负面"]
    assert [row["tfidf"] for row in rows] == ["负面"] * 4
    assert rows[0]["text"] == '他说"好"'
    assert rows[1]["text"] == r"tab\there \\t\nnew\rline"
