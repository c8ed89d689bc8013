"""Rows of a token set as a person reads them: words apart, special tokens dim, [UNK] with what it was.

A row is a heading and a line for each segment, or for each document where several were packed into one:

    row 7: document 3, 14 tokens, 7 words
      A  [CLS] 我们 在 北京 大学 [SEP]
      B  读 [UNK 䶮] 了 。 [SEP]
"""

import json
from collections.abc import Iterator
from itertools import cycle, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from corpora.errors import UsageError
from pretrain.running.folders import the_only
from tokenization.tokens import Row, TokenSet

if TYPE_CHECKING:
    import tokenizers

WORDS = ("cyan", "yellow")  # neighbours differ
SPECIAL, UNKNOWN, HEADING = "dim", "bold red", "bold"


def open_tokens(path: Path, split: str) -> TokenSet:
    """Open a split of the token set in `path`, or of the only one that the run in `path` made or read.

    Raises:
        UsageError: there is none, or there are several.
    """
    return TokenSet.open(the_only(path, "tokens"), split)


def choose(tokens: TokenSet, count: int, first: int | None, seed: int | None) -> list[int]:
    """Numbers of `count` rows from `first` on; with a seed, of rows drawn at random, ascending.

    Raises:
        UsageError: there is no row `first`.
    """
    if seed is not None:
        drawn = np.random.default_rng(seed).choice(len(tokens), min(count, len(tokens)), replace=False)
        return sorted(drawn.tolist())
    begin = first or 0
    if not 0 <= begin < len(tokens):
        raise UsageError(f"there is no row {begin}: the rows are 0 to {len(tokens) - 1:,}")
    return list(range(begin, min(begin + count, len(tokens))))


def show(tokens: TokenSet, numbers: list[int]) -> Iterator[Text]:
    """The lines of these rows."""
    import tokenizers

    speller = _Speller(tokenizers.Tokenizer.from_file(str(tokens.tokenizer / "tokenizer.json")), tokens)
    for number in numbers:
        row = tokens.row(number)
        yield _heading(number, row, speller)
        yield from _lines(row, speller)


class _Speller:
    """Tokens as text."""

    def __init__(self, tokenizer: "tokenizers.Tokenizer", tokens: TokenSet) -> None:
        self._tokenizer, self.unk_id = tokenizer, tokens.vocabulary.unk_id
        self.special = frozenset(tokens.special_ids) - {self.unk_id}
        decoder = json.loads(tokenizer.to_str())["decoder"] or {"type": "WordPiece"}
        self._pieces = decoder["type"] == "WordPiece"  # its tokens can be read as they are

    def token(self, number: int) -> str:
        """One token, as the vocabulary has it."""
        return self._tokenizer.id_to_token(number) or f"[{number}]"

    def tokens(self, ids: list[int]) -> str:
        """Neighbouring tokens of one word: byte-level ones can be read together only."""
        if self._pieces:
            return "".join(map(self.token, ids))
        return self._tokenizer.decode(ids, skip_special_tokens=False).strip() or "".join(map(self.token, ids))


def _heading(number: int, row: Row, speller: _Speller) -> Text:
    words = sum(row.word_starts) - sum(token in speller.special for token in row.ids)
    last = row.document + len(row.document_starts) - 1
    documents = (
        f"document {row.document:,}" if last == row.document else f"documents {row.document:,} to {last:,}"
    )
    if row.second and row.second_document not in (None, row.document):
        documents += f", B of document {row.second_document:,}"
    return Text(f"row {number:,}: {documents}, {len(row.ids):,} tokens, {words:,} words", HEADING)


def _lines(row: Row, speller: _Speller) -> Iterator[Text]:
    """A line for each segment, and for each document that begins within one."""
    marks = {0: "A", row.second: "B"} if row.second else {0: ""}
    if len(row.document_starts) > 1:
        for place, start in enumerate(row.document_starts, row.document):
            marks[start] = f"document {place:,}"  # of those that start together, the last has the tokens
    unknown, styles = iter(row.unknown), cycle(WORDS)
    for (begin, label), (end, _) in pairwise([*sorted(marks.items()), (len(row.ids), "")]):
        line = Text().append(f"  {label:2} ", SPECIAL)
        for first, last in _words(row, begin, end):
            line.append_text(_word(list(row.ids[first:last]), next(styles), unknown, speller)).append(" ")
        line.rstrip()
        yield line


def _words(row: Row, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the words of tokens [begin, end) lie."""
    starts = [place for place in range(begin, end) if row.word_starts[place] or place == begin]
    return pairwise([*starts, end])


def _word(ids: list[int], style: str, unknown: Iterator[str], speller: _Speller) -> Text:
    if ids[0] in speller.special:
        return Text(speller.token(ids[0]), SPECIAL)
    word = Text()
    while ids:
        known = next((place for place, token in enumerate(ids) if token == speller.unk_id), len(ids))
        if known:
            word.append(speller.tokens(ids[:known]), style)
        elif what := next(unknown, ""):
            word.append(f"{speller.token(ids[0])[:-1]} {what}]", UNKNOWN)
            known = 1
        else:
            word.append(speller.token(ids[0]), UNKNOWN)
            known = 1
        ids = ids[known:]
    return word
