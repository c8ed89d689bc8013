"""Whole-word masking: hide all tokens of a word or none (google-research/bert; Chinese: arXiv:1906.08101)."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corpora.settings import Settings
from pretrain.masking.grams import choose_grams


class WholeWordMasking(Settings):
    """Words drawn uniformly, without replacement; one too long for the rest of the budget is passed over.

    >>> words = np.array([[-1, 0, 1, 1, 2, -1]], np.int32)  # [CLS] one two ##b three [SEP]
    >>> WholeWordMasking(budget=0.5).choose(words, np.zeros(1, np.uint64)).sum()
    np.int64(2)
    """

    strategy: Literal["whole_word"] = "whole_word"
    """Hide whole words."""
    budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of a row's tokens to predict, special tokens and padding not counted; met to within a word."""

    def choose(self, words: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Mark the positions to predict, (batch, length); -1 in `words` marks tokens that never are."""
        return choose_grams(words, keys, self.budget, (1.0,)) > 0
