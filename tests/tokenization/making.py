"""Token sets from hand-made rows, for the tests of every room that reads one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from corpora.artefact import Artefact, Draft
from corpora.stage import Report
from tokenization.lexicon.table import LexiconTable, find, locate
from tokenization.tokens import Columns, Row, TokenWriter
from tokenization.vocabulary import describe
from tokenization.words import Word, Words, write_words

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # ids 0 to 4
PLAIN = (
    tuple("我你他们的是了不在有一个人这中国北京大学生爱喜欢读书看电影很好坏天气")
    + tuple("abcdefgh")
    + ("##a", "##b", "##ing")
)
SIZE = len(SPECIALS) + len(PLAIN)
CLS, SEP = 2, 3


def row(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]] = (), document: int = 0) -> Row:
    """`[CLS] first [SEP] second [SEP]`, or without a second; a segment is a list of words, a word its ids.

    >>> made = row([[5], [6, 7]], [[8]])
    >>> made.ids, made.word_starts, made.second
    ([2, 5, 6, 7, 3, 8, 3], [1, 1, 1, 0, 1, 1, 1], 5)
    """
    words = [[CLS], *first, [SEP]]
    middle = sum(map(len, words))
    words += [*second, [SEP]] if second else []
    starts = [int(place == 0) for word in words for place in range(len(word))]
    return Row([token for word in words for token in word], starts, middle if second else 0, document)


def save_tokenizer(folder: Path, tokens: Sequence[str] = PLAIN) -> Path:
    """A WordPiece tokenizer of the five BERT specials and `tokens`, as a folder for `AutoTokenizer`."""
    from transformers import BertTokenizer

    folder.mkdir(parents=True, exist_ok=True)
    vocab = {token: number for number, token in enumerate((*SPECIALS, *tokens))}
    BertTokenizer(vocab=vocab, do_lower_case=True).save_pretrained(folder)
    return folder


def make_token_set(
    folder: Path,
    rows: Iterable[Row],
    validation: Iterable[Row] = (),
    length: int = 128,
    words: Sequence[Word] = (),
    tokens: Sequence[str] = PLAIN,
    sources: Sequence[str] = (),
) -> Artefact:
    """A finished token set at `folder` with these rows, words for the lexicon, sources of held-out text."""
    from transformers import AutoTokenizer

    draft = Draft.open(folder, "tokens", "hand-made")
    with draft.fill("tokenizer") as path:
        save_tokenizer(path, tokens)
    vocabulary = describe(AutoTokenizer.from_pretrained(draft.path / "tokenizer"), "the hand-made tokenizer")
    draft.write_json("vocabulary.json", vocabulary.to_json())
    train = list(rows)
    for split, some in {"train": train, "validation": list(validation)}.items():
        if some:
            with (
                draft.write(f"{split}-00000.arrow") as stream,
                TokenWriter(stream, vocabulary.size, some[0].second_document is not None) as writer,
            ):
                writer.write(Columns.of(some))
    counts = np.bincount([number for each in train for number in each.ids], minlength=vocabulary.size)
    with draft.write("unigrams.npy") as stream:
        np.save(stream, counts.astype(np.int64))
    with draft.write("words.arrow") as stream:
        write_words(stream, Words.of(words))
    if sources:
        names = sorted(set(sources))
        numbers = [names.index(name) for name in sources]
        draft.write_json("held_out_sources.json", {"names": names, "documents": numbers})
    return draft.commit(Report("hand-made rows", {"length": length}), "hand-made")


def similar(table: LexiconTable, ids: Sequence[int]) -> list[list[int]]:
    """Token ids of the words similar to the word spelt `ids`, the most similar first; none if unknown."""
    arrays = table.arrays
    entry = find(arrays, np.array(ids, np.int64), 0, len(ids))
    if entry < 0:
        return []
    entries = arrays.similar[arrays.similar_offsets[entry] : arrays.similar_offsets[entry + 1]]
    return [spelling(table, other) for other in entries.tolist()]


def spelling(table: LexiconTable, entry: int) -> list[int]:
    """Token ids of an entry."""
    size = int(np.searchsorted(table.arrays.groups[:, 0], entry, side="right")) - 1
    first = locate(table.arrays.groups, entry, size)
    return [int(number) for number in table.arrays.tokens[first : first + size]]
