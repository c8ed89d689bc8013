"""Small things in the place of large ones: text, tokenizers, a checkpoint, vectors. So any recipe runs."""

import json
import random
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import torch
import yaml
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BertConfig,
    BertForPreTraining,
    BertTokenizer,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaTokenizer,
)

from corpora.sharding import Shard
from corpora.stage import StageSettings
from pretrain.finetuning import Finetune
from pretrain.recipe import Recipe
from pretrain.training.settings import Train
from tests.recipes.making import MARKS, WORDS
from tokenization.encoding import Encode
from tokenization.tokenizer import Loaded

ENGLISH = ("the", "weather", "is", "fine", "today", "we", "walk", "in", "park", "she", "likes", "films")
HUB = {  # names on the hub that shipped recipes use -> what stands in for them
    "bert-base-chinese": "bert",
    "bert-base-uncased": "bert",
    "hfl/chinese-roberta-wwm-ext": "bert",
    "hfl/chinese-macbert-base": "bert",
    "roberta-base": "roberta",
    "roberta-large": "roberta",
}
NETWORK: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
RECIPES = Path(__file__).parents[2] / "recipes"


def make_stand_ins(folder: Path) -> dict[str, str]:
    """Everything under `folder`; input or hub name -> path."""
    draw = random.Random(0)
    lines = [_line(draw) for _ in range(120)]
    (folder / "text.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    rows = [(_line(draw)[:20] + draw.choice(MARKS[label]), label) for label in [*MARKS] * 40]
    table = "".join(f"{text}\t{label}\n" for text, label in rows)
    (folder / "labelled.tsv").write_text(f"text\tlabel\n{table}", "utf-8")
    _write_other_rows(folder, [text for text, _ in rows])
    _make_vectors(folder / "vectors.bin", np.random.default_rng(0))
    _make_bert(folder / "bert")
    _make_roberta(folder / "roberta", lines)
    named = {"text": "text.txt", "labelled": "labelled.tsv", "vectors": "vectors.bin", "data": "."}
    return {name: str(folder / place) for name, place in (named | HUB).items()}


def _write_other_rows(folder: Path, texts: list[str]) -> None:
    """Labelled rows of the other kinds: a number, a name, an answer in each."""
    numbers = "".join(f"{text}\t{len(set(text)) / 4}\n" for text in texts)
    (folder / "values.tsv").write_text(f"text\tnumber\n{numbers}", "utf-8")
    tags = ("".join(f"{one}\t{'B-X' if n == 1 else 'O'}\n" for n, one in enumerate(text)) for text in texts)
    (folder / "spans.bio").write_text("\n".join(tags), "utf-8")
    asked = [
        {"context": text, "qas": [{"id": text, "question": text[:2], "answers": [_answer(text)]}]}
        for text in texts
    ]
    (folder / "answers.json").write_text(json.dumps({"data": [{"paragraphs": asked}]}), "utf-8")


def _answer(text: str) -> dict[str, object]:
    return {"answer_start": 1, "text": text[1:3]}


def _line(draw: random.Random) -> str:
    """A document: a few Chinese sentences, an English one."""
    chinese = ("".join(draw.choices(WORDS, k=draw.randint(3, 6))) + "。" for _ in range(draw.randint(2, 4)))
    return "".join(chinese) + " ".join(draw.choices(ENGLISH, k=6)) + "."


def _make_vectors(path: Path, draw: np.random.Generator) -> None:
    """Word vectors in word2vec's binary form."""
    rows = (f"{word} ".encode() + draw.random(8, np.float32).tobytes() for word in WORDS)
    path.write_bytes(f"{len(WORDS)} 8\n".encode() + b"".join(rows))


def _make_bert(folder: Path) -> None:
    """A network with its heads and a tokenizer of characters; at full length, as published ones are."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    letters = sorted({*"".join([*WORDS, *map("".join, MARKS.values())])})
    pieces = [*specials, *"。.", *letters, *ascii_lowercase, *(f"##{one}" for one in ascii_lowercase)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForPreTraining(BertConfig(vocab_size=len(pieces), **NETWORK)).save_pretrained(folder)
    BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}).save_pretrained(folder)


def _make_roberta(folder: Path, lines: list[str]) -> None:
    """A network with its head and a byte-level tokenizer."""
    folder.mkdir()
    trained = ByteLevelBPETokenizer()
    specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(lines, vocab_size=400, special_tokens=specials, show_progress=False)
    trained.save_model(str(folder))
    tokenizer = RobertaTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.save_pretrained(folder)
    sizes: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        RobertaForMaskedLM(RobertaConfig(**sizes, **NETWORK)).save_pretrained(folder)


def inputs_of(name: str) -> dict[str, object]:
    """The inputs of a shipped recipe, and of those that it extends -> their defaults."""
    written = yaml.safe_load((RECIPES / f"{name}.yaml").read_text("utf-8"))
    found = inputs_of(written["extends"]) if "extends" in written else {}
    for key, settings in written.get("inputs", {}).items():
        if settings is None:  # removed
            found.pop(key)
        else:
            found[key] = settings.get("default", found.get(key))
    return found


def given_for(name: str, stand_ins: dict[str, str]) -> list[str]:
    """What a command line says for the inputs of a recipe: files by their names, hub names by their likes."""
    found = {key: stand_ins.get(key, stand_ins.get(str(value))) for key, value in inputs_of(name).items()}
    return [f"{key}={place}" for key, place in found.items() if place]


def shrink(recipe: Recipe, stand_ins: dict[str, str]) -> list[str]:
    """Overrides under which a recipe takes two steps of a small network on the small text."""
    changes = {name: _smaller(stage, stand_ins) for name, stage in recipe.stages.items()}
    return [f"{name}.{key}={value}" for name, some in changes.items() for key, value in some.items()]


def _smaller(stage: StageSettings, stand_ins: dict[str, str]) -> dict[str, object]:
    """Key of a stage -> value."""
    folder, shares = Path(stand_ins["labelled"]).parent, "dev: 0.1, test: 0.2"
    rows = f"{{path: {folder}/labelled.tsv, {shares}}}"
    labelled = {
        "classes": rows,
        "values": f"{{path: {folder}/values.tsv, value: number, {shares}}}",
        "spans": f"{{path: {folder}/spans.bio, reader: token_columns, {shares}}}",
        "answers": f"{{path: {folder}/answers.json, reader: squad, {shares}}}",
    }
    if isinstance(stage, Shard):
        sources = f"[{stand_ins['text']}]"
        exclude = f"[{rows}]" if stage.exclude else "[]"
        return {"sources": sources, "exclude": exclude, "validation": 0.1, "speed.workers": 1}
    if isinstance(stage, Encode):
        learnt = {} if isinstance(stage.tokenizer, Loaded) else {"tokenizer.size": 400}
        return {"speed.workers": 1, **learnt}
    if isinstance(stage, Train):
        network = {f"model.{key}": value for key, value in NETWORK.items()} if stage.model else {}
        changes: dict[str, object] = {}
        if stage.masking.settled > 2:  # a rate that changes later
            changes["masking.budget"] = 0.15
        if stage.adversarial and stage.adversarial.start_step:
            changes["adversarial.start_step"] = 1
        small = {"batch": 4, "steps": 2, "schedule.warmup_steps": 1, "evaluate_rows": 8}
        return {**small, **network, **changes}
    if isinstance(stage, Finetune):
        question = {"task.question": 4} if stage.data.kind == "answers" else {}
        return {"data": labelled[stage.data.kind], "length": 16, "epochs": 1, "seeds": "[0, 1]", **question}
    return {}
