"""What all runs of one comparison share: the labelled rows, the checkpoints, the device."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from corpora.labelled import LabelledRows
from corpora.reporter import Reporter
from pretrain.finetuning import classifier
from pretrain.finetuning.examples import Examples, encode
from pretrain.finetuning.settings import Finetune, FinetuneSpeed
from pretrain.randomness import permutation
from tokenization.pretrained import Pretrained
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """One to start from, and the rows as its tokenizer sees them."""

    place: Pretrained
    network: "PreTrainedConfig"  # with the names of the classes
    tokenizer: Tokenizer
    train: Examples
    dev: Examples
    test: Examples


@dataclasses.dataclass(frozen=True)
class Material:
    """Everything that is read, nothing that is learnt."""

    rows: LabelledRows  # those to learn from already drawn
    model: Checkpoint
    start: Checkpoint | None  # the one that `model` was continued from
    device: torch.device


def prepare(config: Finetune, model: Artefact, reporter: Reporter) -> Material:
    """Read and check all input: what can be wrong with it is found here, before any work.

    Raises:
        BadData: the labelled rows, or the checkpoint, cannot be used.
        UsageError: `length` is more than the network has positions, or the device is not there.
    """
    device = open_device(config.speed)
    place = classifier.export_of(model)
    rows = draw_training_rows(config, config.data.load(), reporter)
    own = open_checkpoint(place, rows, config.length)
    if cut := own.train.cut + own.dev.cut + own.test.cut:
        share = cut / (len(rows.train) + len(rows.dev) + len(rows.test))
        reporter.say(f"{cut:,} rows ({share:.1%}) are longer than {config.length} tokens and are cut there")
    start = open_checkpoint(config.start, rows, config.length) if config.start else None
    return Material(rows, own, start, device)


def open_checkpoint(place: Pretrained, rows: LabelledRows, length: int) -> Checkpoint:
    """A checkpoint, and the rows in its tokens.

    Raises:
        BadData: it cannot be read.
        UsageError: `length` is more than it has positions.
    """
    network = classifier.open_config(place, rows.labels)
    tokenizer = classifier.open_tokenizer(place, network, length)
    train, dev, test = (encode(part, tokenizer, length) for part in (rows.train, rows.dev, rows.test))
    return Checkpoint(place, network, tokenizer, train, dev, test)


def draw_training_rows(config: Finetune, rows: LabelledRows, reporter: Reporter) -> LabelledRows:
    """Leave `config.rows` rows to learn from: the same ones for every run and baseline.

    Raises:
        BadData: they are all of one class.
    """
    if config.rows is not None and config.rows < len(rows.train):
        drawn = permutation(len(rows.train), config.seed or 0, 0, np.arange(config.rows))
        rows = dataclasses.replace(rows, train=tuple(rows.train[row] for row in drawn))
    elif config.rows is not None and config.rows > len(rows.train):
        reporter.say(f"rows: {config.rows:,} asked for, all {len(rows.train):,} training rows are used")
    seen = {row.label for row in rows.train}
    unseen = ", ".join(name for number, name in enumerate(rows.labels) if number not in seen)
    if len(seen) < 2:
        raise BadData(
            f"the {len(rows.train):,} training rows are of {len(seen)} class (none is {unseen}), two are "
            "needed: raise `rows`, lower `data.dev` and `data.test`, or give more data"
        )
    if unseen:
        reporter.say(f"no training row is {unseen}: that cannot be learnt, and scores count it as missed")
    return rows


def open_device(speed: FinetuneSpeed) -> torch.device:
    """The device to work on.

    Raises:
        UsageError: an accelerator is asked for and there is none.
    """
    found = torch.cuda.is_available()
    if speed.device == "cuda" and not found:
        raise UsageError("speed.device: cuda, but torch finds no accelerator here; say `auto` or `cpu`")
    return torch.device("cuda" if found and speed.device != "cpu" else "cpu")
