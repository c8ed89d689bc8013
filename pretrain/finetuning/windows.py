"""Texts as token ids: whole where they fit, else in overlapping windows, each knowing where it stands.

Positions are characters of the text as it stands in its file, whatever the tokenizer makes of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpora.errors import UsageError
from corpora.labelled import Row
from tokenization.vocabulary import Tokenizer


@dataclass(frozen=True)
class Window:
    """Token ids of one row, or of as much of it as a network reads at once, special tokens in place."""

    ids: NDArray[np.int64]  # (length,)
    types: NDArray[np.int64] | None  # (length,) which of a pair each token is of; None: it is not told
    row: int
    whole: bool  # nothing of the row was left out


@dataclass(frozen=True)
class Passage(Window):
    """A window whose tokens are known by their place in `Row.text`."""

    places: NDArray[np.int64]  # (tokens, 2) of the text's tokens: first character, and after the last one
    start: int  # position of the text's first token in `ids`
    first: int  # number of that token, counted from the first one of the row

    @property
    def inside(self) -> slice:
        """Positions of the text's own tokens in `ids`."""
        return slice(self.start, self.start + len(self.places))

    @cached_property
    def context(self) -> NDArray[np.int64]:
        """How many tokens of the text each one has at the side where it has fewer, (tokens,)."""
        numbers = np.arange(len(self.places))
        return np.minimum(numbers, numbers[::-1])


def whole(rows: Sequence[Row], tokenizer: Tokenizer, length: int) -> list[Window]:
    """One window a row: the text, or both of a pair. A row longer than `length` tokens is cut there.

    Of a pair the longer text is cut, token by token, as has been usual since BERT.
    """
    if not rows:  # tokenizers refuse an empty list
        return []
    encoded = _call(tokenizer, _first(rows), _second(rows), max_length=length, truncation="longest_first")
    return [
        Window(_ids(one), _types(one, tokenizer), row, not one.overflowing)
        for row, one in enumerate(encoded.encodings)
    ]


def passages(
    rows: Sequence[Row], tokenizer: Tokenizer, length: int, stride: int, question: int = 0
) -> list[Passage]:
    """As many windows a row as it takes, in the order of the rows; neighbours share `stride` tokens of text.

    Where rows have a second text, that is a question: it comes first, the same in every window, cut at
    `question` tokens and at half the window.

    Raises:
        UsageError: the overlap leaves a window nothing new to read.
    """
    if not rows:
        return []
    room = length - tokenizer.num_special_tokens_to_add(pair=rows[0].second is not None)
    longest = min(question, max(room // 2, 0))
    questions = _questions(rows, tokenizer, longest)
    room -= 0 if questions is None else longest
    if room <= stride:
        raise UsageError(
            f"length: {length} tokens leave {max(room, 0)} for the text of each window, of which "
            f"`task.stride`: {stride} were read before; raise `length`, or lower `task.stride`"
        )
    texts = [row.text for row in rows]
    one, two = (texts, None) if questions is None else (questions, texts)
    settings = {"max_length": length, "stride": stride, "return_overflowing_tokens": True}
    cut = "only_first" if questions is None else "only_second"
    encoded = _call(tokenizer, one, two, truncation=cut, **settings)
    numbers = encoded["overflow_to_sample_mapping"]
    found: list[Passage] = []
    for row, each in zip(numbers, encoded.encodings, strict=True):
        before = found[-1] if found and found[-1].row == row else None
        found.append(_passage(each, tokenizer, row, texts[row], int(questions is not None), before, stride))
    parts = np.bincount(numbers, minlength=len(rows))
    return [Passage(**{**vars(one), "whole": False}) if parts[one.row] > 1 else one for one in found]


def _passage(
    encoding: Any,  # noqa: ANN401 - of tokenizers, which has no types
    tokenizer: Tokenizer,
    row: int,
    text: str,
    sequence: int,
    before: Passage | None,
    stride: int,
) -> Passage:
    positions = [at for at, part in enumerate(encoding.sequence_ids) if part == sequence]
    places = np.array([encoding.offsets[at] for at in positions], dtype=np.int64).reshape(-1, 2)
    first = before.first + len(before.places) - stride if before else 0
    start = positions[0] if positions else len(encoding.ids)
    ids, types = _ids(encoding), _types(encoding, tokenizer)
    return Passage(ids, types, row, True, _without_blanks(places, text), start, first)


def _without_blanks(places: NDArray[np.int64], text: str) -> NDArray[np.int64]:
    """Some tokenizers count the blank before a word to its first token."""
    for place in places:
        while place[0] < place[1] and text[place[0]].isspace():
            place[0] += 1
        while place[0] < place[1] and text[place[1] - 1].isspace():
            place[1] -= 1
    return places


def most_context(windows: Sequence[Passage]) -> list[NDArray[np.bool_]]:
    """Of the windows of one row: which tokens (tokens,) each one is to answer for, every token once.

    A token that stands in several windows is read where it has most context at both sides; the first of
    equals.
    """
    total = windows[-1].first + len(windows[-1].places)
    best, owner = np.full(total, -1), np.zeros(total, dtype=np.int64)
    for number, window in enumerate(windows):
        here = slice(window.first, window.first + len(window.places))
        better = window.context > best[here]
        best[here] = np.where(better, window.context, best[here])
        owner[here] = np.where(better, number, owner[here])
    return [
        owner[window.first : window.first + len(window.places)] == number
        for number, window in enumerate(windows)
    ]


def _call(
    tokenizer: Tokenizer,
    one: list[str],
    two: list[str] | None,
    **settings: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    return tokenizer(one, two, return_offsets_mapping=True, return_token_type_ids=True, **settings)


def _first(rows: Sequence[Row]) -> list[str]:
    return [row.text for row in rows]


def _second(rows: Sequence[Row]) -> list[str] | None:
    return None if rows[0].second is None else [row.second or "" for row in rows]


def _questions(rows: Sequence[Row], tokenizer: Tokenizer, longest: int) -> list[str] | None:
    """The questions, each cut behind its last token that may stay."""
    asked = _second(rows)
    if asked is None:
        return None
    encoded = tokenizer(asked, add_special_tokens=False, return_offsets_mapping=True)
    ends = [
        places[longest - 1][1] if len(places) > longest > 0 else None for places in encoded["offset_mapping"]
    ]
    return [question[:end] for question, end in zip(asked, ends, strict=True)]


def _ids(encoding: Any) -> NDArray[np.int64]:  # noqa: ANN401
    return np.array(encoding.ids, dtype=np.int64)


def _types(encoding: Any, tokenizer: Tokenizer) -> NDArray[np.int64] | None:  # noqa: ANN401
    told = "token_type_ids" in tokenizer.model_input_names
    return np.array(encoding.type_ids, dtype=np.int64) if told else None
