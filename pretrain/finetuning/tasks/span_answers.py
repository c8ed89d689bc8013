"""Span answers: the part of a passage that answers a question, if it does (SQuAD 1.1 and 2.0, CMRC 2018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from corpora.errors import BadData
from corpora.labelled import Kind, Row
from corpora.settings import Items
from corpora.stage import JSON
from pretrain.finetuning import reading
from pretrain.finetuning.examples import Examples, LabelledBatch
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.reading import Scorer
from pretrain.finetuning.tasks.task import Said, TaskSettings, sum_of
from pretrain.finetuning.windows import Passage, passages
from tokenization.vocabulary import Tokenizer

Metric = Literal["f1", "em"]

NOTHING = 0
"""The position that stands for "no answer here": the first token, [CLS]."""

IMPOSSIBLE = -1e4
"""The score of a position where no answer can be: its probability is 0 in float32, all differences finite."""


@dataclass(frozen=True)
class Found:
    """The best span of a row."""

    start: int  # in characters; start = end: there is no answer
    end: int
    score: float  # sum of the scores of its first and last token
    nothing: float  # the same of no answer, in the window where it is least likely


class SpanAnswers(TaskSettings):
    """Cross-entropy on the first and on the last token of the answer; a long passage is read in windows.

    A window that holds no whole answer learns to point at its first token, [CLS]. Only that one and tokens
    of the passage can be pointed at. The answer is the best span of all windows (arXiv:1810.04805, 4.2-4.3).
    """

    learns_from: ClassVar[Kind] = "answers"
    head: ClassVar[str] = "AutoModelForQuestionAnswering"
    pipeline: ClassVar[str] = "question-answering"  # until release 4; 5 has none
    windows: ClassVar[bool] = True

    task: Literal["span_answers"] = "span_answers"
    """A question and a passage in, the span of the passage that answers it out."""

    scorer: Scorer = "squad"
    """Whose rules EM and F1 follow. squad: words between blanks; cmrc: Chinese characters and words of other
    letters (CMRC 2018, DRCD)."""

    no_answer: bool = False
    """Whether a passage may leave a question unanswered (SQuAD 2.0)."""

    threshold: float = 0.0
    """With `no_answer`: nothing is said where its score is greater by more than this than the best span's."""

    stride: Annotated[int | None, Field(ge=0)] = None
    """Tokens of the passage that neighbouring windows share; left out, a quarter of `length`."""

    question: Annotated[int, Field(ge=1)] = 64
    """Longest question in tokens, and never more than half of a window; the rest of it is cut off."""

    longest: Annotated[int, Field(ge=1)] = 30
    """Longest answer in tokens."""

    metrics: Items[Metric] = ("f1", "em")
    """What is measured; the first one chooses the epoch."""

    @property
    def opened_by(self) -> str:
        """The class: this release of `transformers` has no pipeline for it."""
        return f'transformers.{self.head}.from_pretrained("model")'

    def outputs(self, labels: tuple[str, ...]) -> Mapping[str, JSON]:
        """A score for the first and one for the last token: two for each position."""
        return {"num_labels": 2}

    def encode(
        self, rows: Sequence[Row], labels: tuple[str, ...], tokenizer: Tokenizer, length: int
    ) -> Examples[Passage]:
        """As many windows a row as it takes; first and last token of the answer in each."""
        for row in rows:
            if row.second is None:
                raise BadData(
                    f"{row.place}: no question; span_answers reads a question and a passage: name the "
                    "column of the question under `data`, as in `second: question`"
                )
        stride = length // 4 if self.stride is None else self.stride
        windows = tuple(passages(rows, tokenizer, length, stride, self.question))
        return Examples(
            tuple(rows),
            windows,
            tuple(_ends(rows[window.row], window) for window in windows),
            labels,
            labels,
            tokenizer.pad_token_id,
            possible=tuple(_possible(window) for window in windows),
        )

    def check(self, rows: Sequence[Row]) -> None:
        """Refuse a question without an answer where every one has one."""
        if not self.no_answer:
            for row in rows:
                if not row.answers:
                    raise BadData(
                        f"{row.place}: the question has no answer; if that is meant, as in SQuAD 2.0, say "
                        "`task: {task: span_answers, no_answer: true}`"
                    )

    def said(self, outputs: Any, batch: LabelledBatch) -> Tensor:  # noqa: ANN401 - differs by head
        """Scores of each position as first and as last token, (batch, length, 2)."""
        said = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1).float()
        if batch.possible is None:
            return said
        return said.masked_fill(~batch.possible.to(said.device)[..., None], IMPOSSIBLE)

    def loss(self, said: Tensor, labels: Tensor) -> Tensor:
        """Half the cross-entropy of the first and of the last token, the mean over windows."""
        first, last = self.choices(said, labels)
        losses = [functional.cross_entropy(first, labels[:, 0]), functional.cross_entropy(last, labels[:, 1])]
        return sum_of(losses) / 2

    def choices(self, said: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
        """Where the answer begins, and where it ends: one of each a window."""
        return said[..., 0].float(), said[..., 1].float()

    def answers(self, said: Said, examples: Examples[Any]) -> list[JSON]:
        """The answer to each row, {start, text}; empty: there is none."""
        found = zip(examples.rows, self._found(said, examples), strict=True)
        return [{"start": one.start, "text": row.text[one.start : one.end]} for row, one in found]

    def truth(self, rows: Sequence[Row]) -> list[JSON]:
        """The first right answer."""
        answers = [row.answers[0] if row.answers else None for row in rows]
        return [
            {"start": one.start, "text": one.text} if one else {"start": 0, "text": ""} for one in answers
        ]

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        """Each of `metrics`; where there are questions without an answer, also of either kind of question."""
        scores = np.array(
            [
                reading.scored(self.scorer, [one.text for one in row.answers], answer["text"])
                for row, answer in zip(rows, answers, strict=True)
            ]
        ).reshape(-1, 2)
        has = np.array([bool(row.answers) for row in rows])
        parts = {"": np.ones_like(has)}
        if has.any() and not has.all():
            parts |= {"/answered": has, "/unanswered": ~has}
        columns: dict[Metric, int] = {"f1": 0, "em": 1}
        return {
            f"{name}{part}": float(scores[chosen, columns[name]].mean())
            for part, chosen in parts.items()
            for name in self.metrics
        }

    def predictions(self, said: Said, examples: Examples[Any]) -> list[dict[str, JSON]]:
        """The answer, where it stands, and its score: greater than 0, the more it beats saying nothing."""
        return [
            {
                "answer": row.text[one.start : one.end],
                "start": one.start,
                "end": one.end,
                "score": round(one.score - one.nothing, 6),
            }
            for row, one in zip(examples.rows, self._found(said, examples), strict=True)
        ]

    def shown(self, answer: JSON, row: Row, labels: tuple[str, ...]) -> str:
        """The answer's text."""
        text: str = answer["text"]
        return text

    def _found(self, said: Said, examples: Examples[Passage]) -> list[Found]:
        found = []
        for here in examples.by_row():
            each = [self._best(said[at], examples.windows[at]) for at in here]
            best = max(each, key=lambda one: one.score)
            nothing = min(one.nothing for one in each)
            none = best.start == best.end or (self.no_answer and nothing - best.score > self.threshold)
            found.append(
                Found(0, 0, best.score, nothing) if none else Found(best.start, best.end, best.score, nothing)
            )
        return found

    def _best(self, said: NDArray[np.float32], window: Passage) -> Found:
        """The span of a window with the greatest sum of scores, the first of equals."""
        nothing = float(said[NOTHING].sum())
        first, last = said[window.inside, 0], said[window.inside, 1]
        if not len(first):
            return Found(0, 0, -np.inf, nothing)
        sums = np.add.outer(first, last)
        numbers = np.arange(len(first))
        reach = numbers[None] - numbers[:, None]
        sums[(reach < 0) | (reach >= self.longest)] = -np.inf
        begin, end = np.unravel_index(int(sums.argmax()), sums.shape)
        score = float(sums[begin, end])
        return Found(int(window.places[begin, 0]), int(window.places[end, 1]), score, nothing)


def _ends(row: Row, window: Passage) -> NDArray[np.int64]:
    """Positions of the first and the last token of the row's first answer; of [CLS] if it is not all here."""
    nothing = np.array([NOTHING, NOTHING], dtype=np.int64)
    if not row.answers or not len(window.places):
        return nothing
    start, text = row.answers[0]
    begin = int(np.searchsorted(window.places[:, 1], start, side="right"))
    end = int(np.searchsorted(window.places[:, 0], start + len(text), side="left")) - 1
    lacks = window.places[0, 0] > start or window.places[-1, 1] < start + len(text.rstrip())
    if begin > end or (lacks and not window.whole):
        return nothing
    return np.array([begin, end], dtype=np.int64) + window.start


def _possible(window: Passage) -> NDArray[np.bool_]:
    """Where an answer may begin or end: in the passage, or nowhere, at the first token."""
    possible = np.zeros(len(window.ids), dtype=bool)
    possible[window.inside] = True
    possible[NOTHING] = True
    return possible
