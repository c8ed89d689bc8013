"""Mask-only replacement: [MASK] at every position to predict."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpora.settings import Settings
from pretrain.batch import MASK, UNTOUCHED
from pretrain.replacement.stock import Stock


class MaskOnly(Settings):
    """Always [MASK]: the plainest choice.

    The "90 % mask" that the MacBERT paper compares with keeps the other 10 %: it is `bert` with mask 0.9,
    random 0 and kept 0.1.
    """

    strategy: Literal["mask_only"] = "mask_only"
    """Show [MASK] at every position to predict."""

    def replace(
        self,
        ids: NDArray[np.int64],
        words: NDArray[np.int32],
        chosen: NDArray[np.bool_],
        keys: NDArray[np.uint64],
        stock: Stock,
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """New ids and what each token became, both (batch, length)."""
        return np.where(chosen, stock.mask_id, ids), np.where(chosen, MASK, UNTOUCHED).astype(np.uint8)
