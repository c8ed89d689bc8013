"""Where to predict: a family of masking strategies, `words -> positions`.

A member is a frozen value with the method `choose(words, keys) -> chosen`. To add one, write its file and
name its class here.
"""

from typing import Annotated

from pydantic import Field

from corpora.settings import named
from pretrain.masking.ngram import NgramMasking
from pretrain.masking.token import TokenMasking
from pretrain.masking.whole_word import WholeWordMasking

Masking = Annotated[
    TokenMasking | WholeWordMasking | NgramMasking, Field(discriminator="strategy"), named("strategy")
]

__all__ = ["Masking", "NgramMasking", "TokenMasking", "WholeWordMasking"]
