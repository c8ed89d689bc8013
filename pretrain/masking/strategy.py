"""What every masking strategy answers, and the settings that all of them have."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corpora.settings import Settings
from pretrain.masking.grams import Amount, choose_grams
from pretrain.masking.rates import Budget
from pretrain.words import Scarce, Text

Choose: TypeAlias = Callable[[Text, NDArray[np.uint64], float, Scarce | None], NDArray[np.int32]]
"""(text, keys, rate, scarce words or None) -> runs to predict: `Strategy.choose`."""


class Strategy(Settings):
    """A way to choose what is to be predicted: a frozen value whose method `choose` is a pure function."""

    whole_words: ClassVar[bool] = True
    """Whether it hides whole words: all but token masking, which sees words of one token."""

    strategy: str

    budget: Budget = 0.15
    """Share of a row's tokens to predict, special tokens and padding not counted; met in each row to within a
    word. A number, or one that changes: {name: linear, from: 0.05, to: 0.25, steps: 80000}. Held-out rows are
    masked at the last rate, so that all measurements are of one task."""

    rounding: Literal["chance", "nearest", "down"] = "chance"
    """What becomes of the fraction in a row's budget: `chance` rounds up as often as the fraction says
    (fairseq), so that short rows and long ones have one mean rate; `nearest` is BERT's rule, `down`
    MacBERT's floor: 15 % of 10 tokens are then 2 and 1. A row with words predicts one token at least."""

    variants: Annotated[int, Field(ge=1)] | None = None
    """Masks of a row, with what stands there and the order of its segments. Left out: new ones in every
    epoch (RoBERTa, arXiv:1907.11692, section 4.1); k: the same k in turn, as if text had been masked k times
    beforehand (BERT's dupe_factor)."""

    def choose(
        self, text: Text, keys: NDArray[np.uint64], rate: float, scarce: Scarce | None = None
    ) -> NDArray[np.int32]:
        """Number the runs of words to predict in each row, 1, 2, ... as drawn; 0 elsewhere. (batch, length).

        `keys` (batch,) are the rows' random keys, `rate` is the budget at this step.
        """
        return choose_grams(text.words, keys, self._amount(rate), self.weights, scarce)

    def prepare(self, tokenizer: Path) -> Choose:
        """`choose`, all that it looks up in memory; `tokenizer` is the folder of the text's tokenizer."""
        return self.choose

    def files(self) -> Sequence[Path]:
        """Files that decide the masks."""
        return ()

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of runs of 1, 2, 3, ... words."""
        return (1.0,)

    def rate(self, step: int | None) -> float:
        """The budget at a step, counted from 0; None: where it stays in the end."""
        if isinstance(self.budget, float):
            return self.budget
        return self.budget.at(self.settled if step is None else step)

    @property
    def settled(self) -> int:
        """The step from which the budget changes no more."""
        return 0 if isinstance(self.budget, float) else self.budget.settled

    def _amount(self, rate: float) -> Amount:
        return Amount(rate, self.rounding)


class WordStrategy(Strategy):
    """A strategy that hides whole words."""

    per: Literal["token", "word"] = "token"
    """What the budget is a share of: a row's tokens (google-research/bert, whole words or not), so that rows
    of one length have equally much to predict and a step's loss is over a known number of tokens; or its
    words (fairseq, DeBERTa), whatever their lengths."""

    def _amount(self, rate: float) -> Amount:
        return Amount(rate, self.rounding, self.per)
