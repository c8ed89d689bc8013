"""What all runs of one comparison share: the labelled rows, their encoding, the checkpoint, the device."""

import dataclasses
from pathlib import Path
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
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig


@dataclasses.dataclass(frozen=True)
class Material:
    """Everything that is read, nothing that is learnt."""

    rows: LabelledRows  # those to learn from already drawn
    train: Examples
    dev: Examples
    test: Examples
    folder: Path  # of the checkpoint
    network: "PreTrainedConfig"  # with the names of the classes
    tokenizer: Tokenizer
    device: torch.device


def prepare(config: Finetune, model: Artefact, reporter: Reporter) -> Material:
    """Read and check all input: what can be wrong with it is found here, before any work.

    Raises:
        BadData: the labelled rows, or the checkpoint, cannot be used.
        UsageError: `length` is more than the network has positions, or the device is not there.
    """
    device = open_device(config.speed)
    folder = classifier.export_folder(model)
    rows = draw_training_rows(config, config.data.load(), reporter)
    network = classifier.open_config(folder, rows.labels)
    tokenizer = classifier.open_tokenizer(folder, network, config.length)
    train, dev, test = (encode(part, tokenizer, config.length) for part in (rows.train, rows.dev, rows.test))
    if cut := train.cut + dev.cut + test.cut:
        share = cut / (len(train) + len(dev) + len(test))
        reporter.say(f"{cut:,} rows ({share:.1%}) are longer than {config.length} tokens and are cut there")
    return Material(rows, train, dev, test, folder, network, tokenizer, device)


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
    seen = {label for _, label in rows.train}
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
