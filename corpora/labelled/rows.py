"""Labelled rows: what every task of fine-tuning learns from and is scored on, whatever file they stood in.

All positions are in characters (code points) of `Row.text` as it stands in the file: no cleaning, no
normalisation comes before, so that what a model finds can be shown in the original.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Split = Literal["train", "dev", "test"]

Kind: TypeAlias = Literal["classes", "values", "spans", "answers"]
"""What is known of each row, and so which tasks can learn from it."""


class Span(NamedTuple):
    """A passage of `Row.text` that has a type: a named entity, a word with its part of speech."""

    start: int
    end: int  # after its last character
    type: str


class Answer(NamedTuple):
    """An accepted answer to a question: `text` stands in `Row.text` from character `start` on.

    Where `start` is -1 it stands nowhere in it: it counts as right, and cannot be learnt from. The first
    answer of a row never is such a one.
    """

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One text or pair of texts, and what is known of it."""

    text: str
    """The only text, or the first of a pair; the passage that answers a question."""

    second: str | None = None
    """The second text of a pair; the question that `text` answers."""

    label: int | float | None = None
    """Kind "classes": the number of its class in `LabelledRows.labels`. Kind "values": the number to predict.
    None where nothing is known (other kinds; rows that are only to be predicted)."""

    spans: tuple[Span, ...] = ()
    """Kind "spans": by start, then end. They may lie within or across each other (CMeEE); from columns of
    tags they never do."""

    answers: tuple[Answer, ...] = ()
    """Kind "answers": every answer that counts as right, the first one to learn from; none: the passage does
    not answer the question."""

    tokens: tuple[tuple[int, int], ...] = ()
    """From columns of tags: where each token of the file begins and ends in `text`. Otherwise none."""

    id: str = ""
    """The row's own id (of a question in SQuAD's form, of an `id` column), if it has one."""

    identity: str = field(default="", compare=False)
    """`train.tsv:12`: file (without its folder) and line where it stands, for predictions."""

    file: str = field(default="", compare=False, repr=False)
    """`data/train.tsv`: the same file, by its whole name."""

    @property
    def place(self) -> str:
        """`data/train.tsv:12`, for messages."""
        return f"{self.file}:{self.identity.rpartition(':')[2]}" if self.file else self.identity

    @property
    def key(self) -> str:
        """The text by which rows are told apart."""
        return self.text if self.second is None else f"{self.text}\0{self.second}"


@dataclass(frozen=True)
class LabelledRows:
    """Rows by split.

    What was split here is in the order of a hash of the text: the first n are a fair sample, whatever order
    the file has. What has files of its own (`dev: dev.tsv`) is as in its file, row for row.
    """

    labels: tuple[str, ...]
    """Kind "classes": names of the classes. Kind "spans": the types. Sorted. Otherwise none."""

    train: tuple[Row, ...]
    dev: tuple[Row, ...]
    test: tuple[Row, ...]
    counts: Mapping[str, int]  # of rows; what was read, less what was left out, is in the splits and others
    others: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """Further rows to be scored, by name: `mismatched` of MNLI, `challenge` of CMRC 2018."""

    kind: Kind = "classes"

    remarks: tuple[str, ...] = ()
    """What a person should be told: rows that could not be read, held-out rows that are learnt from, too."""
