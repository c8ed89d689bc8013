"""Token masking: hide single tokens wherever they are (BERT, arXiv:1810.04805, section 3.1)."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corpora.settings import Settings
from pretrain.masking.grams import choose_grams


class TokenMasking(Settings):
    """Tokens drawn uniformly, without replacement; the original BERT, whose words may be half hidden.

    >>> words = np.array([[-1, 0, 1, 1, 2, -1]], np.int32)  # [CLS] one two ##b three [SEP]
    >>> TokenMasking(budget=0.5).choose(words, np.zeros(1, np.uint64)).sum()
    np.int64(2)
    """

    strategy: Literal["token"] = "token"
    """Hide single tokens."""
    budget: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Share of a row's tokens to predict, special tokens and padding not counted; in each row rounded up or
    down at random, to 1 token at least."""

    def choose(self, words: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Mark the positions to predict, (batch, length); -1 in `words` marks tokens that never are."""
        each_its_own = np.where(words < 0, np.int32(-1), np.arange(words.shape[1], dtype=np.int32))
        return choose_grams(each_its_own, keys, self.budget, (1.0,)) > 0
