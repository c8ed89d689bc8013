"""A whole recipe in small: made-up Chinese text, labels and vectors, and a network that trains in seconds."""

import random
import subprocess
import sys
from pathlib import Path

WORDS = "今天 天气 很好 我们 去 公园 散步 他 喜欢 看 电影 这本 书 非常 有趣 老师 学生 学习 语言 模型 预测 概率 北京 上海"
GOOD, BAD = "满意 推荐 漂亮 干净".split(), "失望 糟糕 难吃 退货".split()

RECIPE = """\
name: small
description: every stage, in seconds
seed: 3
stages:
  shards:
    kind: shard
    sources: [{{path: "{folder}/text.txt"}}]
    file_characters: 4000
    validation: 0.1
    exclude: [&rows {{files: {{bad: "{folder}/bad.txt", good: "{folder}/good.txt"}}, dev: 0.2, test: 0.3}}]
  tokens:
    kind: encode
    tokenizer: {{train: wordpiece_zh, size: 400, min_count: 1}}
    packing: {{kind: segment_pairs, length: 32}}
    speed: {{workers: 1}}
  words: {{kind: lexicon, provider: {{name: word2vec, path: "{folder}/vectors.txt"}}, min_similarity: 0.0}}
  train:
    kind: train
    model: {{type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}}
    masking: ngram
    replacement: similar_word
    objectives: {{mlm: 1.0, sop: 1.0}}
    optimizer: {{name: adamw, lr: 1.0e-3}}
    schedule: {{name: linear, warmup_steps: 2}}
    batch: 8
    steps: 12
    save_every: 2
    log_every: 2
    evaluate_rows: 16
  release: {{kind: export}}
  score:
    kind: finetune
    data: *rows
    length: 16
    epochs: 1
    batch: 8
    lr: 1.0e-3
    seeds: [0, 1]
    beside: [random_init, tfidf]
"""


def write_recipe(folder: Path) -> Path:
    """Text, labelled rows, vectors and the recipe that uses them; the recipe's path."""
    draw, words = random.Random(0), WORDS.split()

    def sentence(extra: str = "") -> str:
        return "".join(draw.choices(words, k=draw.randint(3, 7))) + extra + "。"

    (folder / "text.txt").write_text(
        "".join("".join(sentence() for _ in range(draw.randint(2, 5))) + "\n" for _ in range(250)), "utf-8"
    )
    for name, marks in (("good", GOOD), ("bad", BAD)):
        (folder / f"{name}.txt").write_text("".join(sentence(draw.choice(marks)) + "\n" for _ in range(60)), "utf-8")
    lines = [f"{word} " + " ".join(f"{draw.gauss(0, 1):.4f}" for _ in range(8)) for word in words]
    (folder / "vectors.txt").write_text(f"{len(lines)} 8\n" + "\n".join(lines) + "\n", "utf-8")
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE.format(folder=folder), "utf-8")
    return recipe


def command(recipe: Path, runs: Path, *words: str) -> list[str]:
    """The command line that a user types."""
    return [sys.executable, "-m", "pretrain.run", str(recipe), "--runs", str(runs), *words]


def run(recipe: Path, runs: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    return subprocess.run(command(recipe, runs, *words), capture_output=True, text=True, timeout=300, check=False)


def artefacts(runs: Path) -> dict[str, bytes]:
    """Every file of every artefact: what must be equal, byte for byte."""
    places = [path for path in (runs / ".store").iterdir() if path.is_dir()]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path.relative_to(runs)): path.read_bytes() for path in files}
