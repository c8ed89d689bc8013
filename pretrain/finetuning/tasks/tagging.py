"""Tagging: spans of a text with their types (named entities, words, parts of speech), a tag a token."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from corpora.labelled import Kind, Row, Span
from corpora.labelled.tags import UNTYPED
from corpora.settings import Items
from corpora.stage import JSON
from pretrain.finetuning import entities
from pretrain.finetuning.entities import Scheme, Units
from pretrain.finetuning.examples import NOT_COUNTED, Examples
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.tasks.task import Said, TaskSettings
from pretrain.finetuning.windows import Passage, most_context, passages
from tokenization.vocabulary import Tokenizer

Metric = Literal["f1", "precision", "recall", "accuracy"]

LOOKED_AT = 2000
"""Rows that are looked at for what cannot be learnt."""


class Tagging(TaskSettings):
    """Cross-entropy on a tag for each token of the network; a row longer than the model is read in windows.

    All tokens of a word learn (its first one B, the others I). A token that stands in several windows counts
    once, where it has most context. Spans are found in characters of the text as it stands in its file.
    """

    learns_from: ClassVar[Kind] = "spans"
    head: ClassVar[str] = "AutoModelForTokenClassification"
    pipeline: ClassVar[str] = "token-classification"
    windows: ClassVar[bool] = True

    task: Literal["tagging"] = "tagging"
    """A text in, spans with their types out."""

    scheme: Scheme = "BIO"
    """How tags spell spans. `pipeline(..., aggregation_strategy="simple")` of transformers reads only BIO."""

    stride: Annotated[int | None, Field(ge=0)] = None
    """Tokens that neighbouring windows of a long row share; left out, a quarter of `length`."""

    metrics: Items[Metric] = ("f1", "precision", "recall")
    """What is measured; the first one chooses the epoch. The first three are of whole spans, both ends and
    the type right (seqeval's); accuracy is of single tags, for parts of speech."""

    def outputs(self, labels: tuple[str, ...]) -> Mapping[str, JSON]:
        """One for each tag; their names travel with the network."""
        names = entities.tag_names(labels, self.scheme)
        return {
            "id2label": dict(enumerate(names)),
            "label2id": {name: number for number, name in enumerate(names)},
        }

    def encode(
        self, rows: Sequence[Row], labels: tuple[str, ...], tokenizer: Tokenizer, length: int
    ) -> Examples[Passage]:
        """As many windows a row as it takes; a tag for each token of the text that counts in its window."""
        stride = length // 4 if self.stride is None else self.stride
        windows = tuple(passages(rows, tokenizer, length, stride))
        names = entities.tag_names(labels, self.scheme)
        blank = tuple(np.full(len(window.ids), NOT_COUNTED, dtype=np.int64) for window in windows)
        examples = Examples(
            tuple(rows), windows, blank, labels, names, tokenizer.pad_token_id, per_token=True
        )
        number = {name: at for at, name in enumerate(names)}
        for row, here in zip(rows, examples.by_row(), strict=True):
            places = _merged([windows[at] for at in here], [windows[at].places for at in here])
            wanted = np.full(len(places), NOT_COUNTED, dtype=np.int64)
            solid = _solid(places)
            tags = entities.spell(row.spans, places[solid], self.scheme)
            wanted[solid] = [number[tag] for tag in tags]
            for at, own in zip(here, most_context([windows[at] for at in here]), strict=True):
                window = windows[at]
                part = wanted[window.first : window.first + len(window.places)]
                blank[at][window.inside] = np.where(own, part, NOT_COUNTED)
        return examples

    def remarks(self, examples: Examples[Any]) -> Iterator[str]:
        """How many spans no tags of this network's tokens can say."""
        lost, total, rows = Counter[str](), 0, examples.by_row()[:LOOKED_AT]
        for row, here in zip(examples.rows, rows, strict=False):
            windows = [examples.windows[at] for at in here]
            places = _merged(windows, [window.places for window in windows])
            places = places[_solid(places)]
            tags = entities.spell(row.spans, places, self.scheme)
            spelt = {span for span, _ in _spans(row, places, tags, np.ones(len(places), dtype=np.float32))}
            apart = {*entities.flat(row.spans)}
            lost["lie within or across others"] += len({*row.spans} - apart)
            lost["begin or end within a token"] += len(apart - spelt)
            total += len(row.spans)
        for what, count in lost.items():
            if count:
                yield f"{count:,} of {total:,} spans to learn {what}: no tags say that, they count as missed"

    def loss(self, said: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of `said` (batch, length, tags) over the tags that count; 0 where none does."""
        total = functional.cross_entropy(
            said.float().flatten(0, 1), labels.flatten(), ignore_index=NOT_COUNTED, reduction="sum"
        )
        return total / (labels != NOT_COUNTED).sum().clamp(min=1)

    def count(self, labels: Tensor) -> int:
        """The tags that count."""
        return int((labels != NOT_COUNTED).sum())

    def choices(self, said: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """One a tag that counts."""
        return (said[labels != NOT_COUNTED],)

    def answers(self, said: Said, examples: Examples[Any]) -> list[JSON]:
        """The spans of each row, [[start, end, type], ...]."""
        return [[list(span) for span, _ in found] for found in self._found(said, examples)]

    def truth(self, rows: Sequence[Row]) -> list[JSON]:
        """The right spans."""
        return [[list(span) for span in row.spans] for row in rows]

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        """Each of `metrics`, and the F1 of each type."""
        found = [[Span(*span) for span in answer] for answer in answers]
        scores = entities.strict_scores([row.spans for row in rows], found)
        if "accuracy" in self.metrics:
            scores["accuracy"] = entities.tag_accuracy(rows, found, self.scheme)
        details = {f"f1/{type_}": scores.get(f"f1/{type_}", 0.0) for type_ in labels if type_ != UNTYPED}
        return {name: scores[name] for name in self.metrics} | details

    def predictions(self, said: Said, examples: Examples[Any]) -> list[dict[str, JSON]]:
        """The spans with their text, and the mean probability of their tags."""
        return [
            {
                "spans": [
                    {**span._asdict(), "text": row.text[span.start : span.end], "score": round(score, 6)}
                    for span, score in found
                ]
            }
            for row, found in zip(examples.rows, self._found(said, examples), strict=True)
        ]

    def shown(self, answer: JSON, row: Row, labels: tuple[str, ...]) -> str:
        """`0-2 LOC 北京; 5-8 PER 江泽民`."""
        return "; ".join(f"{start}-{end} {type_} {row.text[start:end]}" for start, end, type_ in answer)

    def _found(self, said: Said, examples: Examples[Passage]) -> list[list[tuple[Span, float]]]:
        """The spans of each row, each with the mean probability of the likeliest tags of its units."""
        found = []
        for row, here in zip(examples.rows, examples.by_row(), strict=True):
            windows = [examples.windows[at] for at in here]
            places = _merged(windows, [window.places for window in windows])
            logits = _merged(windows, [said[at][examples.windows[at].inside] for at in here])
            solid = _solid(places)
            tags = [examples.names[tag] for tag in logits[solid].argmax(-1)]
            chances = torch.from_numpy(logits[solid]).softmax(-1).amax(-1).numpy()
            found.append(_spans(row, places[solid], tags, chances))
        return found


def _merged(windows: Sequence[Passage], values: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Of values (tokens, ...) of each window of a row, those of each token of the row, where it counts."""
    return np.concatenate([value[own] for value, own in zip(values, most_context(windows), strict=True)])


def _solid(places: Units) -> NDArray[np.bool_]:
    """All tokens but blanks that are one of their own."""
    solid: NDArray[np.bool_] = places[:, 0] < places[:, 1]
    return solid


def _spans(
    row: Row, places: Units, tags: Sequence[str], chances: NDArray[np.float32]
) -> list[tuple[Span, float]]:
    """What the tags of a row's tokens spell, with their mean probability.

    Where the row's file has tokens of its own, those have tags: each that of the network's token that its
    first character is in; if that token began earlier, it goes on with the span.
    """
    if row.tokens:
        units = np.array(row.tokens, dtype=np.int64)
        tags, chances = _of_tokens(units, places, tags, chances)
        places = units
    spelt = zip(entities.read(tags, places), entities.groups(tags), strict=True)
    return [(span, float(chances[begin:end].mean())) for span, (begin, end, _) in spelt]


def _of_tokens(
    units: Units, places: Units, tags: Sequence[str], chances: NDArray[np.float32]
) -> tuple[list[str], NDArray[np.float32]]:
    """Tags and probabilities of the units; one that the tokenizer left out is outside."""
    at = np.searchsorted(places[:, 1], units[:, 0], side="right")  # the first token that ends behind
    said, sure = [], np.ones(len(units), dtype=np.float32)
    for unit, (place, (start, end)) in enumerate(zip(at, units, strict=True)):
        if place == len(places) or places[place, 0] >= end:
            said.append(entities.OUTSIDE)
            continue
        sure[unit] = chances[place]
        said.append(_continued(tags[place]) if places[place, 0] < start else tags[place])
    return said, sure


def _continued(tag: str) -> str:
    return "I" + tag[1:] if tag[0] in "BS" else tag
