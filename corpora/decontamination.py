"""Decontamination: leave out documents that share a long run of units with evaluation text (n-gram overlap).

As in GPT-3 (arXiv:2005.14165, appendix C): any 13 words in a row, case and punctuation aside, that are in an
evaluation row too; with units (`corpora.units`) also 13 characters of Chinese. Two rules keep it useful:

* A row with fewer than `ngram` units, but at least `least` (GPT-3: 8), is looked for as a whole. Shorter ones
  are everyday phrases, which would drop far too much; those are caught where they stand alone, as a document
  or a line (`exclude`).
* What is in more than `common` rows is not looked for: it is the wording of the questions or a phrase that
  everyone uses, and says nothing about any one row. (GPT-3 left out what matched more than 10 documents,
  which is not known before all text is read.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from corpora.document import Document
from corpora.labelled import LabelledData
from corpora.ngrams import NGrams
from corpora.settings import Items, Settings, named
from corpora.sources import Source


@dataclass(frozen=True)
class EvaluationSet:
    """Text that a model is to be tested on."""

    title: str
    rows: tuple[str, ...]


@dataclass(frozen=True)
class Overlap:
    """What a document shares with evaluation text."""

    title: str  # of the evaluation set
    passage: str  # as it stands in the document


class Decontamination(Settings):
    """Leave out documents that share an n-gram with evaluation text: the rows of `exclude`, and `texts`."""

    ngram: Annotated[int, Field(ge=5, le=100)] = 13
    """Length of the run that must not be shared: characters of Chinese, words of English."""

    least: Annotated[int, Field(ge=2)] = 8
    """An evaluation row shorter than `ngram` is looked for as a whole, if it is this long."""

    common: Annotated[int | None, Field(ge=1)] = 10
    """An n-gram in more than so many evaluation rows is not looked for; null looks for all."""

    texts: Items[Annotated[Source, named("path")]] = ()
    """Evaluation text without labels, all of it: paths, or {path, name, reader} as in `sources`."""


class Contamination:
    """Evaluation sets, to be recognised in running text."""

    def __init__(self, sets: Sequence[EvaluationSet], settings: Decontamination) -> None:
        """Index their rows; a row that several sets have belongs to the first."""
        rows = {row: each.title for each in reversed(sets) for row in each.rows}
        self._titles = [*rows.values()]
        self._ngrams = NGrams([*rows], settings.ngram, settings.least, settings.common)

    def __len__(self) -> int:
        """How many different n-grams are looked for."""
        return len(self._ngrams)

    def overlap(self, *texts: str) -> Overlap | None:
        """The first n-gram that one of the texts shares with a set, or None. 10 to 30 ns a character.

        Ask for a document as it was read and as it is cleaned: cleaning may both hide a row (another
        script) and bring one to light (between markup).
        """
        for text in dict.fromkeys(texts):
            if match := self._ngrams.find(text):
                return Overlap(self._titles[match.row], text[match.begin : match.end])
        return None


def evaluation_sets(labelled: Sequence[LabelledData], texts: Sequence[Source]) -> list[EvaluationSet]:
    """The dev and test rows of labelled data, and plain evaluation text, a row each document.

    Raises:
        BadData: one of them cannot be read.
    """
    return [*map(_rows_of, labelled), *map(_documents_of, texts)]


def _rows_of(data: LabelledData) -> EvaluationSet:
    loaded = data.load()
    title = ", ".join(path.name for path in data.outside())
    rows = (*loaded.dev, *loaded.test, *(row for rows in loaded.others.values() for row in rows))
    texts = (text for row in rows for text in (row.text, row.second) if text)
    return EvaluationSet(title, tuple(dict.fromkeys(texts)))


def _documents_of(source: Source) -> EvaluationSet:
    documents = (document for each in source.inputs() for document in each.documents())
    texts = (document.text for document in documents if isinstance(document, Document))
    return EvaluationSet(source.title, tuple(texts))
