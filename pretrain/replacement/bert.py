"""BERT's replacement: 80 % [MASK], 10 % a random token, 10 % kept (arXiv:1810.04805, section 3.1)."""

from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from pretrain.replacement.shares import Share, Unit, check_shares, show_shares
from pretrain.replacement.stock import Stock
from pretrain.replacement.strategy import Strategy
from pretrain.words import Text


class BertReplacement(Strategy):
    """80/10/10. Random tokens are neither special nor unused; BERT's own code drew from all rows."""

    strategy: Literal["bert"] = "bert"
    """Show [MASK], a random token or the token itself."""
    mask: Share = 0.8
    """Share of the tokens to predict that become [MASK]."""
    random: Share = 0.1
    """Share that become a random token."""
    kept: Share = 0.1
    """Share that stay what they are, and are predicted all the same."""
    per: Unit = "token"
    """Draw for each token (BERT, and BERT-wwm too: a hidden word may be half random), once for all of a word
    (fairseq), or once for all of a run (SpanBERT)."""

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        check_shares(mask=self.mask, random=self.random, kept=self.kept)
        return self

    def replace(
        self, text: Text, runs: NDArray[np.int32], keys: NDArray[np.uint64], stock: Stock
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """New ids and what each token became, both (batch, length)."""
        return show_shares(text, runs, keys, stock, (self.mask, self.random), self.per)
