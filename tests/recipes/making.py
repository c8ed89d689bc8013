"""A whole recipe in small: made-up Chinese text, labels and vectors, and a network that trains in seconds."""

import multiprocessing
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from pretrain import launch
from pretrain.__main__ import main

WORDS = [
    *("今天", "天气", "很好", "我们", "去", "公园", "散步", "他", "喜欢", "看", "电影", "这本", "书", "非常"),
    *("有趣", "老师", "学生", "学习", "语言", "模型", "预测", "概率", "北京", "上海"),
]
MARKS = {"good": ("满意", "推荐", "漂亮", "干净"), "bad": ("失望", "糟糕", "难吃", "退货")}
STAGES = {  # name -> kind of artefact
    "shards": "shards",
    "tokens": "tokens",
    "words": "lexicon",
    "train": "checkpoint",
    "release": "export",
    "score": "score",
}

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
    model:
      {{type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}}
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
    draw = random.Random(0)

    def sentence(extra: str = "") -> str:
        return "".join(draw.choices(WORDS, k=draw.randint(3, 7))) + extra + "。"

    documents = ("".join(sentence() for _ in range(draw.randint(2, 5))) for _ in range(250))
    (folder / "text.txt").write_text("".join(f"{text}\n" for text in documents), "utf-8")
    for name, marks in MARKS.items():
        rows = (sentence(draw.choice(marks)) for _ in range(60))
        (folder / f"{name}.txt").write_text("".join(f"{row}\n" for row in rows), "utf-8")
    lines = [f"{word} " + " ".join(f"{draw.gauss(0, 1):.4f}" for _ in range(8)) for word in WORDS]
    (folder / "vectors.txt").write_text("\n".join([f"{len(lines)} 8", *lines, ""]), "utf-8")
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE.format(folder=folder), "utf-8")
    return recipe


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, and what it said."""

    code: int
    output: str
    errors: str


def forkserver() -> ForkServerContext:
    """Makes copies of one process that has all modules loaded: there is one in a session of tests."""
    context = multiprocessing.get_context("forkserver")
    loaded = ["pretrain.running.planning", "deepspeed", "gensim.models", "sklearn.linear_model"]
    context.set_forkserver_preload([*loaded, "transformers.models.bert.modeling_bert", __name__])
    return context


@dataclass
class Command:
    """The same in a forked copy of a process that has all modules loaded: seconds sooner, otherwise alike."""

    words: Sequence[object]
    folder: Path  # for what it says
    file_limit: int | None = None  # bytes of the longest file it may write, as on a full disk
    environment: Mapping[str, str] = field(default_factory=dict)
    process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        context = forkserver()
        self.folder.mkdir(exist_ok=True)
        for name in ("out", "err"):  # a kill may come before the process opens them
            (self.folder / name).write_text("")
        arguments = ([*map(str, self.words)], self.folder, self.file_limit, self.environment)
        self.process = context.Process(target=_child, args=arguments)
        self.process.start()

    def when(self, condition: Callable[[], bool], number: signal.Signals) -> bool:
        """Send a signal as soon as the condition holds; False if the process ended before."""
        while self.process.is_alive():
            if condition() and self.process.pid:
                os.kill(self.process.pid, number)
                return True
            time.sleep(0.001)
        return False

    def end(self) -> Ended:
        """Wait for it."""
        self.process.join(200)
        code = self.process.exitcode
        assert code is not None, "a hang"
        self.process.close()
        return Ended(code, (self.folder / "out").read_text("utf-8"), (self.folder / "err").read_text("utf-8"))


def _child(words: list[str], folder: Path, file_limit: int | None, environment: Mapping[str, str]) -> None:
    os.environ.update(environment)
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    if file_limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    launch.leave(main(words))


def artefacts(runs: Path) -> dict[str, bytes]:
    """Every file of every artefact: what must be equal, byte for byte."""
    places = [path for path in (runs / ".store").iterdir() if path.is_dir()]
    files = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path.relative_to(runs)): path.read_bytes() for path in files}


def strays(runs: Path) -> list[str]:
    """Names below a folder of runs that no finished run leaves: drafts, locks, half-written files."""
    beside = {".store", "small", "digests.jsonl", "times.jsonl"}
    notes = {"recipe.yaml", "stages.json", "metrics.jsonl", "log.txt", "report.html"}
    notes |= {"tensorboard", "versions.jsonl"}
    found = [*runs.iterdir(), *(runs / ".store").iterdir(), *(runs / "small").iterdir()]
    finished = {path for path in found if (path / "manifest.json").is_file() and path.suffix != ".partial"}
    return [
        str(path)
        for path in found
        if path.name not in beside | notes | {"export", "finetune"} and path not in finished
    ]
