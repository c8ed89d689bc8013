"""TF-IDF with logistic regression: learns what is there to learn, the same every time."""

import numpy as np

from corpora.labelled import LabelledRows, Row
from pretrain.finetuning.baselines import tfidf
from tests.pretrain.finetuning.making import make_rows


def split(dev: int) -> LabelledRows:
    rows = [Row(text, label=int(label == "good")) for text, label in make_rows(300)]
    return LabelledRows(
        ("bad", "good"), tuple(rows[:200]), tuple(rows[200 : 200 + dev]), tuple(rows[250:]), {}
    )


def test_telling_characters_are_found_with_and_without_dev_rows() -> None:
    for dev in (0, 50):
        rows = split(dev)
        answers = tfidf(rows)
        assert np.mean(answers == [row.label for row in rows.test]) > 0.9
        assert answers.tolist() == tfidf(rows).tolist()
