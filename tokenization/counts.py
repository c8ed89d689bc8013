"""What encoding counts on its way: numbers for the report, how often each token and each word was seen."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from corpora.stage import JSON
from tokenization.words import Word

Spelling: TypeAlias = tuple[str, tuple[int, ...]]
"""A word of the segmenter and its token ids."""


@dataclass
class Counts:
    """Counts that can be added up in any order."""

    numbers: Counter[str] = field(default_factory=Counter)
    """documents, rows, pairs (rows with a segment B), tokens (special ones too), text_tokens, words (what
    whole-word masking hides as one), unknown ([UNK]s), merged (tokens that reach into two words or more)."""

    tokens: Counter[int] = field(default_factory=Counter)  # text tokens by id
    words: Counter[Spelling] = field(default_factory=Counter)  # those that are one word of the segmenter

    def add(self, other: "Counts") -> None:
        """Add `other` to these."""
        self.numbers += other.numbers
        self.tokens += other.tokens
        self.words += other.words

    def to_json(self) -> dict[str, JSON]:
        """As JSON, the same for equal counts."""
        return {
            "numbers": dict(sorted(self.numbers.items())),
            "tokens": [list(item) for item in sorted(self.tokens.items())],
            "words": [[word, list(ids), count] for (word, ids), count in sorted(self.words.items())],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Counts":
        """The counts that `to_json` wrote."""
        words = {(word, tuple(ids)): count for word, ids, count in value["words"]}
        return cls(Counter(value["numbers"]), Counter(dict(value["tokens"])), Counter(words))

    def unigrams(self, size: int) -> NDArray[np.int64]:
        """Text tokens by id, (vocab,)."""
        counts = np.zeros(size, np.int64)
        for number, count in self.tokens.items():
            counts[number] = count
        return counts

    def known_words(self, unknown: int) -> Iterable[Word]:
        """Words whose every token is in the vocabulary; `unknown` is the id of [UNK]."""
        return (Word(word, ids, n) for (word, ids), n in self.words.items() if unknown not in ids)
