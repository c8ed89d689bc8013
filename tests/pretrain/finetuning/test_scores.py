"""What a person reads: the summary line to the letter, a table, a file of answers that reads back."""

import csv
import io

import pytest

from corpora.labelled import LabelledRows, Row
from pretrain.finetuning.runs import Run
from pretrain.finetuning.scores import by_arm, differences, predictions, summary, table
from pretrain.finetuning.tasks import Classification

ROWS = LabelledRows(
    labels=("负面", "正面"),
    train=(Row("好", label=1), Row("坏", label=0)),
    dev=(),
    test=(
        Row('他说"好"', label=1),
        Row("tab\there \\t\nnew\rline", label=0),
        Row("坏", label=0),
        Row("糟", label=0),
    ),
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
    arms = by_arm(RUNS)
    assert summary(arms, differences(arms), "accuracy", 2987) == (
        "accuracy 0.815 ± 0.007 (2 seeds) | random init 0.790 ± 0.000 | "
        "TF-IDF + logistic regression 0.861 | 2,987 held-out rows"
    )


def test_the_summary_of_a_single_run_claims_no_spread() -> None:
    assert summary(by_arm(RUNS[:1]), {}, "accuracy", 5) == "accuracy 0.810 (1 seed) | 5 held-out rows"


def test_the_summary_says_first_what_training_on_from_a_checkpoint_was_worth() -> None:
    arms = by_arm([*RUNS[:2], run("start", 0, 0.801), run("start", 1, 0.807), RUNS[-1]])
    assert summary(arms, differences(arms), "accuracy", 7) == (
        "accuracy 0.815 ± 0.007 (2 seeds) | starting checkpoint 0.804 ± 0.004, +0.011 ± 0.003 by training on "
        "| TF-IDF + logistic regression 0.861 | 7 held-out rows"
    )


def test_differences_are_taken_seed_by_seed() -> None:
    """Scores that spread far, and differences that do not: pairs tell what means cannot."""
    own, other = (0.70, 0.80, 0.90), (0.68, 0.79, 0.87)
    arms = by_arm(
        [run("pretrained", seed, score) for seed, score in enumerate(own)]
        + [run("start", seed, score) for seed, score in enumerate(other)]
    )
    found = differences(arms)["start"]["accuracy"]
    assert found.runs == pytest.approx((0.02, 0.01, 0.03))
    assert (found.mean, found.std) == pytest.approx((0.02, 0.01))
    low, high = found.interval() or (0, 0)
    assert (low, high) == pytest.approx((0.02 - 4.302653 * 0.01 / 3**0.5, 0.02 + 4.302653 * 0.01 / 3**0.5))
    page = table(arms, differences(arms), ROWS, RUNS[1], Classification())
    assert (
        "| starting checkpoint | +0.020 ± 0.010 | +0.010 ± 0.005 | +0.020 +0.010 +0.030 | -0.005 to +0.045 "
        "| not told apart by 3 seeds |"
    ) in page


def test_the_table_says_which_differences_the_seeds_can_tell() -> None:
    arms = by_arm([run("pretrained", 0, 0.9), run("pretrained", 1, 0.902), *RUNS[2:]])
    page = table(arms, differences(arms), ROWS, RUNS[1], Classification())
    assert (
        "| random init | +0.111 ± 0.001 | +0.055 ± 0.001 | +0.110 +0.112 | +0.098 to +0.124 | better |"
        in page
    )
    worse = by_arm([run("pretrained", 0, 0.7), run("pretrained", 1, 0.701), *RUNS[2:]])
    assert table(worse, differences(worse), ROWS, RUNS[1], Classification()).count("| worse |") == 2
    single = by_arm([RUNS[0], RUNS[2]])
    assert "one seed tells nothing" in table(single, differences(single), ROWS, RUNS[0], Classification())


def test_the_table_names_every_arm_and_the_model_that_was_kept() -> None:
    arms = by_arm(RUNS)
    page = table(arms, differences(arms), ROWS, RUNS[1], Classification())
    assert "| pre-trained | 0.815 ± 0.007 | 0.407 ± 0.004 | 0.810 0.820 |" in page
    assert "Always the most frequent class: accuracy 0.750." in page
    assert "`model/` holds pre-trained, seed 1, epoch 1:" in page


def test_answers_read_back_with_the_text_whatever_is_in_it() -> None:
    lines = csv.DictReader(
        io.StringIO(predictions(RUNS, ROWS, Classification())), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    rows = list(lines)
    assert [row["label"] for row in rows] == ["正面", "负面", "负面", "负面"]
    assert [row["pretrained-1"] for row in rows] == ["正面", "正面", "负面", "负面"]
    assert [row["tfidf"] for row in rows] == ["负面"] * 4
    assert rows[0]["text"] == '他说"好"'
    assert rows[1]["text"] == r"tab\there \\t\nnew\rline"


def test_one_answer_to_all_rows_is_nothing_learnt_unless_it_is_right() -> None:
    same = (1, 1, 1, 1)
    assert run("pretrained", 0, 0.5, same).constant
    assert not run("pretrained", 0, 1.0, same).constant
    assert not run("pretrained", 0, 0.5).constant
