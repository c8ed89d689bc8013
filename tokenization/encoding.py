"""Stage: shards -> token set. Text is segmented once, here; training never sees a text or a dictionary."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from corpora.artefact import Artefact, Draft
from corpora.crew import cores, spread
from corpora.errors import BadData
from corpora.reporter import Reporter
from corpora.settings import Settings
from corpora.shards import read_shard, read_shards, shard_files
from corpora.shuffling import SPLITS
from corpora.stage import JSON, Aside, Reads, Report, StageSettings
from tokenization import sources, tokenizer
from tokenization.counts import Counts, Total
from tokenization.packing import Packing, SegmentPairs
from tokenization.segmenters import Jieba, Segmenter
from tokenization.slices import Numbered, Packed, Preparation, slices
from tokenization.tokenizer import AnyTokenizer, Loaded
from tokenization.tokens import TokenWriter
from tokenization.trainers import TrainingText
from tokenization.vocabulary import Vocabulary
from tokenization.words import write_words

FEW = 0.8  # of the pairs asked for whose B is of another document
MANY_UNKNOWN = 0.05  # share of [UNK] among the tokens above which the vocabulary hardly fits the text


class EncodeSpeed(Settings):
    """What changes the time that encoding takes, and nothing else."""

    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Processes that segment and tokenize; `auto`: one for each core."""

    remember: bool = True
    """Whether each process remembers what the tokenizer made of words, where it is of BERT's kind: the same
    tokens, more than ten times as fast. A sample is always tokenized both ways, and compared."""


class Encode(StageSettings):
    """Segment words, tokenize, align both, and pack rows."""

    makes: ClassVar[str] = "tokens"
    format: ClassVar[int] = 3

    kind: Literal["encode"] = "encode"
    """Shards -> token set."""

    shards: Annotated[str | None, Reads("shards")] = None
    """The text: a stage of kind `shard`, or the folder of finished shards."""

    tokenizer: AnyTokenizer
    """A folder, a name on the Hugging Face hub, or how to train one: {train: wordpiece_zh, size: 21128}."""

    segmenter: Segmenter = Jieba()
    """What a word is, for whole-word masking and similar words."""

    packing: Packing = SegmentPairs()
    """How sentences become rows."""

    speed: Annotated[EncodeSpeed, Aside()] = EncodeSpeed()
    """Settings that never change the result."""

    def outside(self) -> Sequence[Path]:
        """Dictionaries of the segmenter and files of a tokenizer's folder."""
        loaded = self.tokenizer.outside() if isinstance(self.tokenizer, Loaded) else []
        return [*self.segmenter.files(), *loaded]


def encode(config: Encode, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Make a token set.

    Raises:
        BadData: tokenizer or dictionary cannot be loaded or used, or no token comes of the text.
    """
    shards = inputs["shards"]
    vocabulary = _make_vocabulary(config, shards, out, reporter)
    if not out.has("facts.json"):
        _make_rows(config, shards, vocabulary, out, reporter)
        sources.write(out, shards)
        _make_counts(config, vocabulary, out, sources.kept(shards))
    for part in out.parts("counts/"):
        out.discard(part)
    return _report(config, cast(dict[str, Any], out.read_json("facts.json")), reporter)


def _make_vocabulary(config: Encode, shards: Artefact, out: Draft, reporter: Reporter) -> Vocabulary:
    """Make the parts `tokenizer/` and `vocabulary.json`."""
    if not out.has("vocabulary.json"):
        total = _documents(shards, "train")

        def read() -> Iterator[str]:
            track = reporter.track(read_shards(shards), "learning a vocabulary", total, "documents")
            return iter(config.segmenter.plain(document.text for document in track))

        text = TrainingText(read, int(shards.facts["train"]["characters"]))
        with out.fill("tokenizer") as folder:
            made = tokenizer.make(config.tokenizer, text, config.segmenter, config.packing.length, folder)
        vocabulary = made.vocabulary
        if made.note:
            reporter.say(made.note)
        out.write_json("vocabulary.json", vocabulary.to_json())
    return Vocabulary.from_json(cast(dict[str, Any], out.read_json("vocabulary.json")))


def _make_rows(
    config: Encode, shards: Artefact, vocabulary: Vocabulary, out: Draft, reporter: Reporter
) -> None:
    """Make a file of rows, and the counts that mark it as finished, for each shard file that has none yet."""
    workers = cores() if config.speed.workers == "auto" else config.speed.workers
    prepare = Preparation(
        segmenter=config.segmenter,
        tokenizer=out.path / "tokenizer",
        packing=config.packing,
        vocabulary=vocabulary,
        seed=config.seed or 0,
        remember=config.speed.remember,
    )
    total = sum(_documents(shards, split) for split in SPLITS)
    total -= sum(_read_counts(out, Path(part).stem).numbers["documents"] for part in out.parts("counts/"))
    documents = reporter.track(_unfinished(shards, out), "segmenting and tokenizing", total, "documents")
    jobs = slices(documents, config.packing.company)
    with contextlib.closing(spread(prepare, jobs, workers)) as results:
        for part, packed in itertools.groupby(results, lambda one: one.part):
            counts = _write_rows(part, packed, vocabulary, config.packing, out)
            with out.write(_counts_of(part)) as stream:
                counts.write(stream)


def _unfinished(shards: Artefact, out: Draft) -> Iterator[Numbered]:
    """The documents that are still to be encoded, numbered within their split."""
    for split in SPLITS:
        number = 0
        for name in shard_files(shards, split):
            part = name.split(".")[0] + ".arrow"
            if out.has(_counts_of(part)):
                number += _read_counts(out, part).numbers["documents"]
                continue
            for document in read_shard(shards, name):
                yield part, number, document.text
                number += 1


def _write_rows(
    part: str, packed: Iterable[Packed], vocabulary: Vocabulary, packing: Packing, out: Draft
) -> Counts:
    total = Total(vocabulary.size)
    with (
        out.write(part) as stream,
        TokenWriter(stream, vocabulary.size, packing.next_sentences) as writer,
    ):
        for one in packed:
            total.add(one.counts)
            writer.write(one.rows)
    return total.counts()


def _make_counts(config: Encode, vocabulary: Vocabulary, out: Draft, kept: Mapping[str, JSON]) -> None:
    """Sum up: the parts `words.arrow`, `unigrams.npy` and `facts.json`."""
    totals = {split: Total(vocabulary.size) for split in SPLITS}
    for part in sorted(out.parts("counts/")):
        name = Path(part).stem
        totals[name.split("-")[0]].add(_read_counts(out, name))
    splits = {split: total.counts() for split, total in totals.items()}
    train = splits["train"]
    if not train.numbers.get("text_tokens"):
        raise BadData(
            f"the tokenizer made no token of {train.numbers.get('documents', 0):,} documents; "
            "is the text right?"
        )
    with out.write("words.arrow") as stream:
        write_words(stream, train.known_words(vocabulary.unk_id))
    with out.write("unigrams.npy") as stream:
        np.save(stream, train.tokens)
    facts = {split: _facts(counts, config.packing.length) for split, counts in splits.items()}
    words = {"distinct_words": len(train.spelt_ends), "vocabulary_size": vocabulary.size}
    out.write_json(
        "facts.json",
        {
            "length": config.packing.length,
            "vocabulary_digest": vocabulary.digest,
            "sources": kept,
            **words,
            **facts,
        },
    )


def _facts(counts: Counts, length: int) -> dict[str, JSON]:
    """A split's numbers, and the shares that tell whether vocabulary and packing fit the text."""
    numbers = Counter(counts.numbers)
    return {
        **numbers,
        "unknown_share": numbers["unknown"] / max(1, numbers["text_tokens"]),
        "filled_share": numbers["tokens"] / max(1, numbers["rows"] * length),
    }


def _report(config: Encode, facts: Mapping[str, Any], reporter: Reporter) -> Report:
    train, packing = facts["train"], config.packing
    wanted = packing.random_next if isinstance(packing, SegmentPairs) else 0
    if train["random_pairs"] < FEW * wanted * train["pairs"]:
        reporter.say(
            f"only {train['random_pairs'] / train['pairs']:.0%} of the pairs have a B of another document: a "
            "document of a million characters has no other beside it; cut such documents into parts"
        )
    if train["unknown_share"] > MANY_UNKNOWN:
        reporter.say(
            f"{train['unknown_share']:.1%} of the tokens are unknown to the tokenizer; a larger or another "
            "vocabulary would fit this text better"
        )
    return Report(
        f"{train['rows']:,} rows, {train['tokens']:,} tokens, {train['words']:,} words to train on; "
        f"{train['unknown_share']:.2%} unknown, rows {train['filled_share']:.0%} full; "
        f"{facts['validation'].get('rows', 0):,} rows to validate on",
        facts,
    )


def _documents(shards: Artefact, split: str) -> int:
    return int(cast(dict[str, Any], shards.facts[split])["documents"])


def _counts_of(part: str) -> str:
    return f"counts/{part}.npy"


def _read_counts(out: Draft, part: str) -> Counts:
    return Counts.read(out.path / _counts_of(part))
