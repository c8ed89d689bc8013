"""Mask-only replacement: [MASK] at every position to predict."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpora.settings import Settings
from pretrain.batch import MASK, UNTOUCHED
from pretrain.replacement.stock import Stock


class MaskOnly(Settings):
    """Always [MASK]: the plainest choice, and what the MacBERT paper compares against as "90 % mask"."""

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
