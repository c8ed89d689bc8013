"""Packing: documents in tokens -> rows of at most `length` tokens, as places of those tokens.

Add one: write its file, name its class in `Packing`. No member loses a token: each stands in exactly one row,
and what `segment_pairs` borrows from another document stands in one more.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.settings import named
from tokenization.packing.doc_sentences import DocSentences
from tokenization.packing.document import Encoded, Placed, Sentences, sentences
from tokenization.packing.electra_pairs import ElectraPairs
from tokenization.packing.full_sentences import FullSentences
from tokenization.packing.segment_pairs import SegmentPairs

__all__ = [
    "DocSentences",
    "ElectraPairs",
    "Encoded",
    "FullSentences",
    "Packing",
    "Placed",
    "SegmentPairs",
    "Sentences",
    "sentences",
]

Packing: TypeAlias = Annotated[
    SegmentPairs | ElectraPairs | FullSentences | DocSentences, Field(discriminator="kind"), named("kind")
]
