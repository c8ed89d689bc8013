"""The words of a token set: what `encode` saw, spelt in token ids, for the lexicon of similar words.

One Arrow IPC stream, `words.arrow`, most frequent first, then in code-point order; words with [UNK] in them
are left out. A row is a distinct (word, tokens): "Word" and "word" may share their tokens and are two rows.

    word    string                the segmenter's word, as in the text
    tokens  large_list<uint32>    its token ids
    count   uint64                how often it stands in the training rows
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpora import arrow
from corpora.arrow import ArrowThing
from corpora.letters import codes_of

BLOCK_WORDS = 1 << 16
SCHEMA = pa.schema([("word", pa.string()), ("tokens", pa.large_list(pa.uint32())), ("count", pa.uint64())])


@dataclass(frozen=True)
class Word:
    """A distinct (word, tokens) and how often it was seen."""

    word: str
    tokens: tuple[int, ...]
    count: int


@dataclass(frozen=True)
class Words:
    """Many of them. Letters and tokens lie end to end; `..._ends`, (words,), says where those of each end."""

    letters: NDArray[np.uint32]  # code points
    letter_ends: NDArray[np.int64]
    tokens: NDArray[np.uint32]
    token_ends: NDArray[np.int64]
    counts: NDArray[np.int64]  # (words,)

    @classmethod
    def of(cls, words: Sequence[Word]) -> "Words":
        """Columns of words made one by one."""
        return cls(
            letters=codes_of("".join(each.word for each in words)),
            letter_ends=np.cumsum(np.array([len(each.word) for each in words], np.int64)),
            tokens=np.array(list(chain.from_iterable(each.tokens for each in words)), np.uint32),
            token_ends=np.cumsum(np.array([len(each.tokens) for each in words], np.int64)),
            counts=np.array([each.count for each in words], np.int64),
        )


def write_words(stream: BinaryIO, words: Words) -> None:
    """Write `words`, sorted, as `words.arrow`; spellings of one word with equal counts in the order given."""
    import pyarrow.compute as pc

    columns = [
        _texts(words.letters, words.letter_ends),
        arrow.lists(arrow.numbers(words.tokens), words.token_ends),
        arrow.numbers(words.counts.astype(np.uint64)),
    ]
    table = pa.table(columns, schema=SCHEMA)
    order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("word", "ascending")])  # stable
    with pa.ipc.new_stream(stream, SCHEMA) as writer:
        writer.write_table(table.take(order), max_chunksize=BLOCK_WORDS)


def read_words(path: Path) -> Iterator[Word]:
    """The words of a `words.arrow`, the most frequent first."""
    with pa.memory_map(str(path)) as source:
        for batch in pa.ipc.open_stream(source):
            for row in batch.to_pylist():
                yield Word(row["word"], tuple(row["tokens"]), row["count"])


def _texts(letters: NDArray[np.uint32], ends: NDArray[np.int64]) -> ArrowThing:
    """Arrow strings of code points, by their bytes: no string of Python is made of any."""
    together = letters.tobytes().decode("utf-32-le").encode()
    sizes = 1 + (letters >= 0x80) + (letters >= 0x800) + (letters >= 0x10000)
    return arrow.texts(together, arrow.starts(np.cumsum(sizes))[ends])
