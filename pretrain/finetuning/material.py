"""What all runs of one comparison share: the labelled rows, the checkpoints, the device."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from corpora.fields import NAMES_SHOWN
from corpora.labelled import Kind, LabelledRows, Row
from corpora.reporter import Reporter
from pretrain.finetuning import heads
from pretrain.finetuning.examples import Examples
from pretrain.finetuning.settings import Finetune, FinetuneSpeed
from pretrain.finetuning.tasks import Task
from pretrain.randomness import permutation
from tokenization.pretrained import Pretrained
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

PADDED = 1024
"""Rows of a word table that no token has: fewer are put there for speed, or kept for later."""

KNOWN: Mapping[Kind, str] = {
    "classes": "classes",
    "values": "numbers",
    "spans": "spans with types",
    "answers": "questions with answers",
}
"""What is known of each row, in words."""

WHERE: Mapping[Kind, str] = {
    "classes": "`label: COLUMN`",
    "values": "`value: COLUMN`",
    "spans": "`reader: token_columns`, `reader: spans`, or `tags: COLUMN` of a table",
    "answers": "`reader: squad`, or `answers: COLUMN` of a table",
}
"""How the settings of data say it."""


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """One to start from, and the rows as its tokenizer sees them."""

    place: Pretrained
    network: "PreTrainedConfig"  # with the names of what it tells apart
    tokenizer: Tokenizer
    train: Examples[Any]
    dev: Examples[Any]
    test: Examples[Any]
    others: Mapping[str, Examples[Any]]  # further rows that are scored, by name


@dataclasses.dataclass(frozen=True)
class Material:
    """Everything that is read, nothing that is learnt."""

    rows: LabelledRows  # those to learn from already drawn
    model: Checkpoint
    start: Checkpoint | None  # the one that `model` was continued from
    device: torch.device


def prepare(config: Finetune, model: Artefact | None, reporter: Reporter) -> Material:
    """Read and check all input: what can be wrong with it is found here, before any work.

    Raises:
        BadData: the labelled rows, or the checkpoint, cannot be used.
        UsageError: `length` is more than the network has positions, or the device is not there.
    """
    device = open_device(config.speed)
    place = place_of(config, model)
    rows = draw_training_rows(config, read_rows(config), reporter)
    for remark in rows.remarks:
        reporter.say(remark)
    own = open_checkpoint(place, rows, config.task, config.length)
    if cut := own.train.cut + own.dev.cut + own.test.cut:
        share = cut / (len(rows.train) + len(rows.dev) + len(rows.test))
        what = "read in overlapping windows" if config.task.windows else "cut there"
        reporter.say(f"{cut:,} rows ({share:.1%}) are longer than {config.length} tokens and are {what}")
    for remark in _remarks(config, own):
        reporter.say(remark)
    for remark in config.task.remarks(own.train):
        reporter.say(remark)
    start = open_checkpoint(config.start, rows, config.task, config.length) if config.start else None
    return Material(rows, own, start, device)


def _remarks(config: Finetune, model: Checkpoint) -> Iterator[str]:
    """What is no mistake for certain."""
    rows, tokens, network = len(model.train), len(model.tokenizer), model.network.vocab_size
    if config.batch > rows:
        yield f"batch: {config.batch:,} is more than the {rows:,} training rows: an epoch is a single step"
    if network - tokens > PADDED:
        yield (
            f"{model.place}: a tokenizer of {tokens:,} tokens, a network of {network:,}: is it the one that "
            "the network was trained with?"
        )


def place_of(config: Finetune, model: Artefact | None) -> Pretrained:
    """Where the checkpoint to start from is.

    Raises:
        BadData: a file that fine-tuning needs is not there.
        UsageError: none is named.
    """
    if config.from_pretrained is not None:
        return config.from_pretrained
    if model is None:
        raise UsageError("nothing to fine-tune: name an export under `model`, or a `from_pretrained`")
    return heads.export_of(model)


def read_rows(config: Finetune) -> LabelledRows:
    """The labelled rows.

    Raises:
        BadData: they cannot be read, or are not what the task learns from.
    """
    rows = config.data.load()
    wanted = config.task.learns_from
    if rows.kind != wanted:
        raise BadData(
            f"task {config.task.task} learns from {KNOWN[wanted]}, but these rows have "
            f"{KNOWN[rows.kind]}; change `task`, or say in `data` where they stand: {WHERE[wanted]}"
        )
    config.task.check([*rows.train, *rows.dev])
    return rows


def open_checkpoint(place: Pretrained, rows: LabelledRows, task: Task, length: int) -> Checkpoint:
    """A checkpoint, and the rows in its tokens.

    Raises:
        BadData: it cannot be read.
        UsageError: `length` is more than it has positions.
    """
    network = heads.open_config(place, task.outputs(rows.labels))
    tokenizer = heads.open_tokenizer(place, network, length)
    parts = {"train": rows.train, "dev": rows.dev, "test": rows.test, **rows.others}
    encoded = {name: task.encode(part, rows.labels, tokenizer, length) for name, part in parts.items()}
    train, dev, test = (encoded.pop(name) for name in ("train", "dev", "test"))
    return Checkpoint(place, network, tokenizer, train, dev, test, encoded)


def draw_training_rows(config: Finetune, rows: LabelledRows, reporter: Reporter) -> LabelledRows:
    """Leave `config.rows` rows to learn from: the same ones for every run and baseline.

    Raises:
        BadData: they have nothing to tell apart.
    """
    if config.rows is not None and config.rows < len(rows.train):
        drawn = permutation(len(rows.train), config.seed or 0, 0, np.arange(config.rows))
        rows = dataclasses.replace(rows, train=tuple(rows.train[row] for row in drawn))
    elif config.rows is not None and config.rows > len(rows.train):
        reporter.say(f"rows: {config.rows:,} asked for, all {len(rows.train):,} training rows are used")
    if rows.labels:
        _check_labels(rows, reporter)
    if rows.kind == "values" and len({row.label for row in rows.train}) < 2:
        raise BadData(
            f"the {len(rows.train):,} training rows all have the number {rows.train[0].label:g}, nothing is "
            "to be told apart; is `value` the right column?"
        )
    return rows


def _check_labels(rows: LabelledRows, reporter: Reporter) -> None:
    """Refuse rows of one class, or without a span; say which labels only other splits have."""
    spans = rows.kind == "spans"
    seen = (
        {s.type for row in rows.train for s in row.spans}
        if spans
        else {_name(rows, row) for row in rows.train}
    )
    lacking = [name for name in rows.labels if name not in seen]
    unseen = ", ".join(lacking[:NAMES_SHOWN]) + ", ..." * (len(lacking) > NAMES_SHOWN)
    if len(seen) < (1 if spans else 2):
        have = "hold no span" if spans else f"are of {len(seen)} class"
        needed = "one is" if spans else "two are"
        raise BadData(
            f"the {len(rows.train):,} training rows {have} (none is {unseen}), {needed} needed: "
            "raise `rows`, lower `data.dev` and `data.test`, or give more data"
        )
    if unseen:
        reporter.say(f"no training row is {unseen}: that cannot be learnt, and scores count it as missed")


def _name(rows: LabelledRows, row: Row) -> str | None:
    return None if row.label is None else rows.labels[int(row.label)]


def open_device(speed: FinetuneSpeed) -> torch.device:
    """The device to work on.

    Raises:
        UsageError: an accelerator is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if speed.device == "cuda" and not found:
        raise UsageError("speed.device: cuda, but torch finds no accelerator here; say `auto` or `cpu`")
    return torch.device("cuda" if found and speed.device != "cpu" else "cpu")
