"""The words of a token set: what `encode` saw, spelt in token ids, for the lexicon of similar words.

One Arrow IPC stream, `words.arrow`, most frequent first, then in code-point order; words with [UNK] in them
are left out. A row is a distinct (word, tokens): "Word" and "word" may share their tokens and are two rows.

    word    string                the segmenter's word, as in the text
    tokens  large_list<uint32>    its token ids
    count   uint64                how often it stands in the training rows
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

BLOCK_WORDS = 1 << 16


@dataclass(frozen=True)
class Word:
    """A distinct (word, tokens) and how often it was seen."""

    word: str
    tokens: tuple[int, ...]
    count: int


SCHEMA = pa.schema([("word", pa.string()), ("tokens", pa.large_list(pa.uint32())), ("count", pa.uint64())])


def write_words(stream: BinaryIO, words: Iterable[Word]) -> None:
    """Write `words`, sorted, as `words.arrow`."""
    ordered = sorted(words, key=lambda each: (-each.count, each.word, each.tokens))
    with pa.ipc.new_stream(stream, SCHEMA) as writer:
        for begin in range(0, len(ordered), BLOCK_WORDS):
            some = ordered[begin : begin + BLOCK_WORDS]
            columns = [
                [each.word for each in some],
                [each.tokens for each in some],
                [each.count for each in some],
            ]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=SCHEMA))
