"""A tiny BERT export and a few labelled rows, made on the spot."""

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining, BertTokenizer

from corpora.artefact import Artefact, Draft
from corpora.labelled import LabelledData, Row
from corpora.stage import Report
from pretrain.finetuning import heads
from pretrain.finetuning.examples import Examples
from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Classification, Task
from tokenization.pretrained import Pretrained
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedModel

GOOD, BAD, FILLER = "好美妙", "坏丑糟", "天地人你我他日月山水火木"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *GOOD, *BAD, *FILLER, *"0123456789"]


def make_folder(folder: Path, positions: int = 32, vocabulary: Sequence[str] = VOCABULARY) -> Path:
    """What an export holds: a 1 x 16 BERT with its pre-training heads, and its tokenizer."""
    folder.mkdir(parents=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=positions,
        )
        model = BertForPreTraining(config)
    model.config.architectures = ["BertForPreTraining"]
    model.config.save_pretrained(folder)
    weights = {n: w for n, w in model.state_dict().items() if n not in model.all_tied_weights_keys}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    BertTokenizer(vocab={token: number for number, token in enumerate(vocabulary)}).save_pretrained(folder)
    return folder


def make_export(folder: Path, without: str = "") -> Artefact:
    """The same as a finished artefact; a file can be left out."""
    source = make_folder(folder.with_name(folder.name + ".source"))
    draft = Draft.open(folder, "export", "export of a test")
    for file in sorted(source.iterdir()):
        if file.name != without:
            with draft.fill(file.name) as place:
                shutil.copy(file, place)
    return draft.commit(Report("made"))


def make_rows(count: int, labels: tuple[str, ...] = ("bad", "good"), seed: int = 0) -> list[tuple[str, str]]:
    """Different rows of 3 to 20 characters; one telling character gives the label away."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = labels[number % len(labels)]
        text = [draw.choice(FILLER) for _ in range(draw.randint(1, 14))]
        text.insert(draw.randint(0, len(text)), draw.choice(GOOD if label == "good" else BAD))
        rows.append(("".join(text) + str(number // len(labels)), label))
    return rows


def write_rows(path: Path, rows: list[tuple[str, str]]) -> Path:
    """As JSON lines."""
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


TASK = Classification()


def make_examples(rows: Sequence[Row], folder: Path, length: int = 24, task: Task = TASK) -> Examples[Any]:
    """Rows in the tokens of a folder of `make_folder`; labels are bad and good, types LOC and PER."""
    labels = ("LOC", "PER") if task.learns_from == "spans" else ("bad", "good")
    return task.encode(rows, labels, open_tokenizer(folder, length), length)


def open_tokenizer(folder: Path, length: int = 24) -> Tokenizer:
    """As a run opens it."""
    place = Pretrained(path=str(folder))
    return heads.open_tokenizer(place, heads.open_config(place, {}), length)


def make_network(
    folder: Path, task: Task = TASK, labels: tuple[str, ...] = ("bad", "good")
) -> "PreTrainedModel":
    """A network for a task, its weights drawn from torch's seed."""
    return heads.build(heads.open_config(Pretrained(path=str(folder)), task.outputs(labels)), task.head)


def make_config(path: Path, dev: float = 0.2, test: float = 0.2, **settings: object) -> Finetune:
    """Settings under which the tiny network trains in a blink."""
    small = {"length": 24, "epochs": 2, "batch": 8, "lr": 3e-3, "seeds": [0, 1], "seed": 0}
    data = LabelledData(path=str(path), dev=dev, test=test)
    return Finetune.model_validate({**small, "data": data, **settings})
