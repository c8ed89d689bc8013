"""A memory for tokenizers of BERT's kind: what they made of a run of characters once, they make of it again.

Such a tokenizer (BertNormalizer, BertPreTokenizer, WordPiece) works run by run: it breaks the text before and
after white space, punctuation and Chinese characters, and what it makes of the characters in between does not
depend on anything further away: cleaning and lower-casing look at single characters, accents at those that
follow each other, WordPiece at one word. So the tokenizer is asked about each distinct run once, also about
which characters it breaks at, and nothing of it is written anew here. The Chinese characters and most words
of a text are known after the first pages, and a run costs one look into a hash table.

Price: a table of some megabytes in each process, and the trust in the paragraph above; so a sample of every
call is tokenized by the tokenizer itself, and compared.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tokenizers
from numpy.typing import NDArray

from corpora.compiled import compiled
from corpora.errors import MaskwrightError
from corpora.letters import codes_of
from tokenization.sequences import NONE, Sequences, Table, slot_of, with_room
from tokenization.texts import Texts
from tokenization.tokenizing import Tokens, encode

CHARACTERS = 0x110000
ASKED = NONE - 1  # in place of a run's number until the tokenizer has answered
UNSEEN, ALONE, INSIDE = range(3)  # kinds of characters: not asked yet; a run of its own; part of a run
MOST_RUNS = 1 << 19  # remembered; then all is forgotten
MOST_LETTERS = 1 << 23  # of all runs together
CHECKED = 500  # characters of each call that the tokenizer itself is asked about


class Known(NamedTuple):
    """What the tokenizer made of runs. Of `ids` and `offsets`, a first part is filled."""

    kinds: NDArray[np.uint8]  # (code points,)
    singles: NDArray[np.int32]  # (code points,) number of the run of this one character, or NONE, or ASKED
    ends: NDArray[np.int64]  # (1 + runs,) of each run's tokens; the first is 0
    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]  # (tokens, 2), counted from where the run begins


def works_by_runs(tokenizer: tokenizers.Tokenizer) -> bool:
    """Whether a tokenizer is of BERT's kind. One with tokens added that are not special is not."""
    made = json.loads(tokenizer.to_str())
    parts = [(made[part] or {}).get("type") for part in ("normalizer", "pre_tokenizer", "model")]
    return (
        parts == ["BertNormalizer", "BertPreTokenizer", "WordPiece"]
        and bool(tokenizer.encode_special_tokens)
        and all(token["special"] for token in made["added_tokens"])
    )


class Memo:
    """A tokenizer that works by runs, and what is known of it."""

    def __init__(self, tokenizer: tokenizers.Tokenizer) -> None:
        """Begin with nothing."""
        self._tokenizer = tokenizer
        self._forget()

    def __call__(self, texts: Texts) -> Tokens:
        """Tokenize texts.

        Raises:
            MaskwrightError: the tokenizer itself makes something else of the sample.
        """
        if len(self._runs) > MOST_RUNS or len(self._runs.values) > MOST_LETTERS:
            self._forget()
        self._ask_kinds(texts.codes)
        begins, runs, missing = _look_up(texts.codes, self._known, self._runs.table)
        if len(missing):
            self._learn([*{texts.whole[begin:end]: None for begin, end in missing.tolist()}])
            begins, runs, _ = _look_up(texts.codes, self._known, self._runs.table)
        ids, offsets = _spell(begins, runs, self._known)
        self._check(texts, ids, offsets)
        return Tokens(ids, offsets, np.searchsorted(offsets[:, 0], texts.ends))

    def _forget(self) -> None:
        self._runs = Sequences()
        self._known = Known(
            kinds=np.full(CHARACTERS, UNSEEN, np.uint8),
            singles=np.full(CHARACTERS, NONE, np.int32),
            ends=np.zeros(1, np.int64),
            ids=np.empty(0, np.uint32),
            offsets=np.empty((0, 2), np.int64),
        )

    def _ask_kinds(self, codes: NDArray[np.uint32]) -> None:
        """Find out about characters not seen before: does one break the text between two letters?"""
        kinds = self._known.kinds
        for code in np.unique(codes[kinds[codes] == UNSEEN]).tolist():
            text = self._tokenizer.normalizer.normalize_str(f"a{chr(code)}a")
            pieces = [piece for piece, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(text)]
            breaks = len(pieces) > 1 and pieces[0] == pieces[-1] == "a"
            kinds[code] = ALONE if breaks else INSIDE

    def _learn(self, runs: Sequence[str]) -> None:
        """Ask the tokenizer about new runs, all in one text: to it, a line end is white space."""
        together, known, before = Texts.of(runs), self._known, len(self._runs)
        ids, offsets = encode(self._tokenizer, together.whole)
        owners = np.searchsorted(together.begins, offsets[:, 0], side="right") - 1
        lengths = together.ends - together.begins
        numbers = self._runs.add(codes_of("".join(runs)), np.cumsum(lengths))
        known.singles[together.codes[together.begins[lengths == 1]]] = numbers[lengths == 1]
        used = int(known.ends[before])
        self._known = known._replace(
            ends=_put(known.ends, 1 + before, used + np.cumsum(np.bincount(owners, minlength=len(runs)))),
            ids=_put(known.ids, used, ids),
            offsets=_put(known.offsets, used, offsets - together.begins[owners, None]),
        )

    def _check(self, texts: Texts, ids: NDArray[np.uint32], offsets: NDArray[np.int64]) -> None:
        """Compare the beginning of one text, up to where a run ends, with what the tokenizer says."""
        if not len(texts.ends):
            return
        middle = len(texts.ends) // 2
        begin, end = int(texts.begins[middle]), int(texts.ends[middle])
        if end > begin + CHECKED:
            breaks = np.flatnonzero(self._known.kinds[texts.codes[begin : begin + CHECKED]] == ALONE)
            end = begin + int(breaks[-1]) if len(breaks) else begin
        own_ids, own_offsets = encode(self._tokenizer, texts.whole[begin:end])
        first, last = np.searchsorted(offsets[:, 0], (begin, end))
        if not (
            np.array_equal(own_ids, ids[first:last])
            and np.array_equal(own_offsets + begin, offsets[first:last])
        ):
            raise MaskwrightError(
                f"remembered tokens differ from the tokenizer's own in {texts.whole[begin:end][:60]!r}; this "
                "is a fault of the program: report it, and set speed.remember of the encode stage to false"
            )


def _put(array: NDArray[Any], used: int, values: NDArray[Any]) -> NDArray[Any]:
    """Write `values` behind the first `used` entries."""
    array = with_room(array, used, len(values))
    array[used : used + len(values)] = values
    return array


@compiled
def _look_up(
    codes: NDArray[np.uint32], known: Known, table: Table
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Where runs that have tokens begin, and which they are; [begin, end) of those to be asked about."""
    begins, runs = np.empty(len(codes), np.int64), np.empty(len(codes), np.int32)
    missing, count, gaps, at = np.empty((len(codes), 2), np.int64), 0, 0, 0
    while at < len(codes):
        end = at + 1
        if known.kinds[codes[at]] == INSIDE:
            while end < len(codes) and known.kinds[codes[end]] == INSIDE:
                end += 1
        if end == at + 1:
            run = known.singles[codes[at]]
            if run == NONE:
                known.singles[codes[at]] = ASKED  # listed once
        else:
            run = table.slots[slot_of(table, codes, at, end)]
        if run == NONE:
            missing[gaps, 0], missing[gaps, 1] = at, end
            gaps += 1
        elif run != ASKED and known.ends[run] < known.ends[run + 1]:
            begins[count], runs[count] = at, run
            count += 1
        at = end
    return begins[:count], runs[:count], missing[:gaps]


@compiled
def _spell(
    begins: NDArray[np.int64], runs: NDArray[np.int32], known: Known
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Ids and offsets of the runs' tokens."""
    total = 0
    for run in runs:
        total += known.ends[run + 1] - known.ends[run]
    ids, offsets, count = np.empty(total, np.uint32), np.empty((total, 2), np.int64), 0
    for place in range(len(runs)):
        run, begin = runs[place], begins[place]
        for token in range(known.ends[run], known.ends[run + 1]):
            ids[count] = known.ids[token]
            offsets[count, 0] = begin + known.offsets[token, 0]
            offsets[count, 1] = begin + known.offsets[token, 1]
            count += 1
    return ids, offsets
