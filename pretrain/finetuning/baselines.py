"""TF-IDF of character n-grams with logistic regression: what a checkpoint must beat to be worth its price."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from corpora.labelled import LabelledRows, Row
from pretrain.finetuning.metrics import accuracy

NGRAMS = (1, 3)
"""Shortest and longest n-gram, in characters: no segmenter, the same for Chinese and English."""

FEATURES = 200_000
"""At most so many n-grams are kept, the most frequent ones: bounds the memory on large sets."""

STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse regularisation (scikit-learn's C), loosest last; the dev rows choose, as they choose epochs."""


def tfidf(rows: LabelledRows) -> NDArray[np.int64]:
    """Learn from the training rows; the answers (rows,) for the test rows. A function of the rows alone."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(analyzer="char", ngram_range=NGRAMS, max_features=FEATURES, sublinear_tf=True)
    train = vectors.fit_transform(_texts(rows.train))
    truth = _labels(rows.train)
    fitted = [LogisticRegression(C=strength, max_iter=1000).fit(train, truth) for strength in STRENGTHS]
    best = fitted[0]
    if rows.dev:
        dev, right = vectors.transform(_texts(rows.dev)), _labels(rows.dev)
        best = max(fitted, key=lambda model: accuracy(right, model.predict(dev)))  # the first of equals
    answers: NDArray[np.int64] = best.predict(vectors.transform(_texts(rows.test)))
    return answers


def _texts(rows: Sequence[Row]) -> list[str]:
    return [row.key for row in rows]


def _labels(rows: Sequence[Row]) -> NDArray[np.int64]:
    return np.array([row.label for row in rows], dtype=np.int64)
