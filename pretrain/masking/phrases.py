"""Phrase masking: hide whole phrases of a list (ERNIE, arXiv:1904.09223, 3.2; PMI, arXiv:2010.01825)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpora import paths
from corpora.compiled import compiled
from corpora.errors import BadData
from pretrain.masking.strategy import Choose, WordStrategy
from pretrain.words import Scarce, Text, find_words
from tokenization.jieba_words.trie import NONE, Trie, begun, fill, make, step


class PhraseMasking(WordStrategy):
    """Phrases of a list, words elsewhere, drawn uniformly; the words of a phrase are hidden together or not.

    The list decides what it is: entities and phrases make it ERNIE's knowledge masking, the n-grams of a
    corpus whose words stand together more often than chance has it make it PMI-masking. Where phrases
    overlap, the one that begins first counts, and of those the longest.
    """

    strategy: Literal["phrases"] = "phrases"
    """Hide whole phrases of a list, and whole words elsewhere."""

    path: str
    """Text of one phrase a line, up to the first tab: a file, or several by a pattern. A phrase is looked for
    in token ids, as the tokenizer spells it, and found where it begins and ends with words of the text."""

    def files(self) -> Sequence[Path]:
        """The lists."""
        return paths.resolve(self.path)

    def prepare(self, tokenizer: Path) -> Choose:
        """The choosing function, the phrases in memory as token ids.

        Raises:
            BadData: a list is not UTF-8, or none of its phrases has two tokens.
        """
        phrases = list(dict.fromkeys(phrase for file in self.files() for phrase in _read(file)))
        spellings = [spelling for spelling in _spell(tokenizer, phrases) if len(spelling) > 1]
        if not spellings:
            raise BadData(
                f"{self.path} has {len(phrases):,} phrases, and none of them is more than one token; "
                "wanted one phrase of several words a line"
            )
        trie = _trie(spellings)

        def choose(
            text: Text, keys: NDArray[np.uint64], rate: float, scarce: Scarce | None = None
        ) -> NDArray[np.int32]:
            return self.choose(Text(text.ids, _join(text.ids, text.words, trie)), keys, rate, scarce)

        return choose


def _read(file: Path) -> Sequence[str]:
    try:
        lines = file.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise BadData(f"{file} is not UTF-8 (byte {error.start:,}); convert it first") from error
    return [phrase for line in lines if (phrase := line.partition("\t")[0].strip())]


def _spell(tokenizer: Path, phrases: Sequence[str]) -> Sequence[tuple[int, ...]]:
    """Token ids of the phrases at the start of a text and, where that is spelt otherwise, within it."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(tokenizer / "tokenizer.json"))
    made.no_truncation()
    made.no_padding()
    within = [f" {phrase}" for phrase in phrases]
    encodings = made.encode_batch_fast([*phrases, *within], add_special_tokens=False)
    return [tuple(encoding.ids) for encoding in encodings]


def _trie(spellings: Sequence[tuple[int, ...]]) -> Trie:
    """The phrases by their tokens; any logarithm marks where one ends."""
    tokens = np.array([token for spelling in spellings for token in spelling], np.int64)
    nodes = {spelling[:length] for spelling in spellings for length in range(1, len(spelling) + 1)}
    trie = make(len(nodes))
    fill(trie, tokens, np.cumsum([len(spelling) for spelling in spellings]), np.zeros(len(spellings)))
    return trie


@compiled
def _join(ids: NDArray[np.int64], words: NDArray[np.int32], trie: Trie) -> NDArray[np.int32]:
    """Give all words of a phrase the number of its first."""
    joined, length = words.copy(), words.shape[1]
    starts, ends = np.empty(length, np.int32), np.empty(length, np.int32)
    for row in range(words.shape[0]):
        tokens = ids[row]
        count, _ = find_words(words[row], starts, ends)
        first = 0
        while first < count:
            begin = starts[first]
            node, beyond, word = begun(trie, tokens[begin]), first + 1, first
            while node != NONE and word < count and (word == first or starts[word] == ends[word - 1]):
                for position in range(max(starts[word], begin + 1), ends[word]):
                    node = step(trie, node, tokens[position]) if node != NONE else NONE
                if node == NONE:
                    break
                word += 1
                if trie.logs[node] >= 0:
                    beyond = word
            if beyond > first + 1:
                joined[row, begin : ends[beyond - 1]] = words[row, begin]
            first = beyond
    return joined
