"""BERT's replacement: 80 % [MASK], 10 % a random token, 10 % kept (arXiv:1810.04805, section 3.1)."""

from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from corpora.settings import Settings
from pretrain.batch import KEPT, MASK, RANDOM
from pretrain.randomness import below, uniform
from pretrain.replacement.shares import check_shares
from pretrain.replacement.stock import Stock
from tokenization.compiled import compiled

Share = Annotated[float, Field(ge=0, le=1)]


class BertReplacement(Settings):
    """80/10/10. Random tokens are neither special nor unused; BERT's own code drew from all rows."""

    strategy: Literal["bert"] = "bert"
    """Show [MASK], a random token or the token itself."""
    mask: Share = 0.8
    """Share of the tokens to predict that become [MASK]."""
    random: Share = 0.1
    """Share that become a random token."""
    kept: Share = 0.1
    """Share that stay what they are, and are predicted all the same."""
    unit: Literal["token", "word"] = "token"
    """Draw for each token (BERT, BERT-wwm) or once for all tokens of a word (fairseq)."""

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        check_shares(mask=self.mask, random=self.random, kept=self.kept)
        return self

    def replace(
        self,
        ids: NDArray[np.int64],
        words: NDArray[np.int32],
        chosen: NDArray[np.bool_],
        keys: NDArray[np.uint64],
        stock: Stock,
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """New ids and what each token became, both (batch, length)."""
        shown, kinds = ids.copy(), np.zeros(ids.shape, np.uint8)
        bounds = self.mask, self.mask + self.random
        _replace(
            words, chosen, keys, bounds, self.unit == "word", stock.mask_id, stock.random_ids, shown, kinds
        )
        return shown, kinds


@compiled
def _replace(
    words: NDArray[np.int32],
    chosen: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    bounds: tuple[float, float],
    by_word: bool,
    mask_id: int,
    random_ids: NDArray[np.int64],
    shown: NDArray[np.int64],
    kinds: NDArray[np.uint8],
) -> None:
    """Change `shown` and fill `kinds` at the chosen positions; draws 2p and 2p + 1 belong to position p."""
    batch, length = words.shape
    for row in range(batch):
        unit = 0
        for position in range(length):
            if not chosen[row, position]:
                continue
            if not by_word or words[row, position] != words[row, unit]:
                unit = position
            share = uniform(keys[row], 2 * unit)
            if share < bounds[0]:
                shown[row, position], kinds[row, position] = mask_id, MASK
            elif share < bounds[1]:
                pick = below(keys[row], 2 * position + 1, random_ids.size)
                shown[row, position], kinds[row, position] = random_ids[pick], RANDOM
            else:
                kinds[row, position] = KEPT
