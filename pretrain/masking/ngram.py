"""N-gram masking: hide runs of whole words (ALBERT, arXiv:1909.11942; MacBERT, 1906.08101v3, section 4)."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from corpora.settings import Items, Settings
from pretrain.masking.grams import choose_grams


class NgramMasking(Settings):
    """Runs of neighbouring words, anywhere. The default is MacBERT's: 40/30/20/10 % of 1 to 4 words.

    ALBERT's is `lengths: [6, 3, 2]`. The last run of a row is cut to meet the budget, so the realised shares
    lean to single words: 43/29/19/9 % in Chinese rows of 512 tokens, 49/28/16/7 % in rows of 128.

    >>> words = np.array([[-1, 0, 1, 1, 2, -1]], np.int32)  # [CLS] one two ##b three [SEP]
    >>> NgramMasking(budget=0.75, lengths=(0.0, 1.0)).choose(words, np.zeros(1, np.uint64)).sum()
    np.int64(3)
    """

    strategy: Literal["ngram"] = "ngram"
    """Hide runs of whole words."""
    budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of a row's tokens to predict, special tokens and padding not counted; met to within a word."""
    lengths: Annotated[Items[Annotated[float, Field(ge=0)]], Field(min_length=1)] = (0.4, 0.3, 0.2, 0.1)
    """Weights of runs of 1, 2, 3, ... words; only their ratios count."""

    @model_validator(mode="after")
    def _has_weight(self) -> Self:
        if not sum(self.lengths) > 0:
            raise ValueError("every weight in lengths is 0; give at least one run length a chance")
        return self

    def choose(self, words: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Mark the positions to predict, (batch, length); -1 in `words` marks tokens that never are."""
        return self.grams(words, keys) > 0

    def grams(self, words: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.int16]:
        """Number each row's runs, 1, 2, ... as drawn; 0 where nothing is to predict. (batch, length)."""
        return choose_grams(words, keys, self.budget, self.lengths)
