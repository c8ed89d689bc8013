"""Stage: shards -> token set. Text is segmented once, here; training never sees a text or a dictionary."""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import Field

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData
from corpora.reporter import Reporter
from corpora.settings import Settings
from corpora.shards import SPLITS, read_shard, read_shards, shard_files
from corpora.stage import JSON, Reads, Report, StageSettings
from tokenization import tokenizer
from tokenization.counts import Counts
from tokenization.crew import cores, spread
from tokenization.packing import Packing, SegmentPairs
from tokenization.segmenters import Jieba, Segmenter
from tokenization.slices import Numbered, Packed, Preparation, slices
from tokenization.tokenizer import TrainedTokenizer
from tokenization.tokens import TokenWriter
from tokenization.vocabulary import Vocabulary, describe
from tokenization.words import write_words

MANY_UNKNOWN = 0.05  # share of [UNK] among the tokens above which the vocabulary hardly fits the text


class EncodeSpeed(Settings):
    """What changes the time that encoding takes, and nothing else."""

    workers: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Processes that segment and tokenize; `auto`: one for each core."""


class Encode(StageSettings):
    """Segment words, tokenize, align both, and pack rows."""

    makes: ClassVar[str] = "tokens"

    kind: Literal["encode"] = "encode"
    """Shards -> token set."""

    shards: Annotated[str | None, Reads("shards")] = None
    """The text: a stage of kind `shard`, or the folder of finished shards."""

    tokenizer: str | TrainedTokenizer
    """A folder, a name on the Hugging Face hub, or how to train one: {train: wordpiece_zh, size: 21128}."""

    segmenter: Segmenter = Jieba()
    """What a word is, for whole-word masking and similar words."""

    packing: Packing = SegmentPairs()
    """How sentences become rows."""

    speed: EncodeSpeed = EncodeSpeed()
    """Settings that never change the result."""

    def outside(self) -> Sequence[Path]:
        """Dictionaries of the segmenter and files of a tokenizer's folder."""
        loaded = tokenizer.files(self.tokenizer) if isinstance(self.tokenizer, str) else []
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
        _make_counts(config, vocabulary, out)
    for part in out.parts("counts/"):
        out.discard(part)
    return _report(cast(dict[str, Any], out.read_json("facts.json")), reporter)


def _make_vocabulary(config: Encode, shards: Artefact, out: Draft, reporter: Reporter) -> Vocabulary:
    """Make the parts `tokenizer/` and `vocabulary.json`."""
    if not out.has("vocabulary.json"):
        with out.fill("tokenizer") as folder:
            if isinstance(config.tokenizer, str):
                made, origin = tokenizer.load(config.tokenizer), config.tokenizer
            else:
                documents = reporter.track(
                    read_shards(shards), "learning a vocabulary", _documents(shards, "train"), "documents"
                )
                made = config.tokenizer.make(document.text for document in documents)
                origin = "the trained tokenizer"
            vocabulary = describe(made, origin)
            made.save_pretrained(folder)
        out.write_json("vocabulary.json", vocabulary.to_json())
    return Vocabulary.from_json(cast(dict[str, Any], out.read_json("vocabulary.json")))


def _make_rows(
    config: Encode, shards: Artefact, vocabulary: Vocabulary, out: Draft, reporter: Reporter
) -> None:
    """Make a file of rows, and the counts that mark it as finished, for each shard file that has none yet."""
    workers = cores() if config.speed.workers == "auto" else config.speed.workers
    prepare = Preparation(
        config.segmenter, out.path / "tokenizer", config.packing, vocabulary, config.seed or 0
    )
    total = sum(_documents(shards, split) for split in SPLITS)
    total -= sum(_read_counts(out, Path(part).stem).numbers["documents"] for part in out.parts("counts/"))
    documents = reporter.track(_unfinished(shards, out), "segmenting and tokenizing", total, "documents")
    with contextlib.closing(spread(prepare, slices(documents), workers)) as results:
        for part, packed in itertools.groupby(results, lambda one: one.part):
            counts = _write_rows(part, packed, vocabulary, out)
            out.write_json(_counts_of(part), counts.to_json())


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


def _write_rows(part: str, packed: Iterable[Packed], vocabulary: Vocabulary, out: Draft) -> Counts:
    counts = Counts()
    with out.write(part) as stream, TokenWriter(stream, vocabulary.size) as writer:
        for one in packed:
            counts.add(one.counts)
            for row in one.rows:
                writer.write(row)
    return counts


def _make_counts(config: Encode, vocabulary: Vocabulary, out: Draft) -> None:
    """Sum up: the parts `words.arrow`, `unigrams.npy` and `facts.json`."""
    splits = {split: Counts() for split in SPLITS}
    for part in sorted(out.parts("counts/")):
        name = Path(part).stem
        splits[name.split("-")[0]].add(_read_counts(out, name))
    train = splits["train"]
    if not train.numbers["text_tokens"]:
        raise BadData(
            f"the tokenizer made no token of {train.numbers['documents']:,} documents; is the text right?"
        )
    with out.write("words.arrow") as stream:
        write_words(stream, train.known_words(vocabulary.unk_id))
    with out.write("unigrams.npy") as stream:
        np.save(stream, train.unigrams(vocabulary.size))
    facts = {split: _facts(counts, config.packing.length) for split, counts in splits.items()}
    words = {"distinct_words": len(train.words), "vocabulary_size": vocabulary.size}
    out.write_json(
        "facts.json",
        {"length": config.packing.length, "vocabulary_digest": vocabulary.digest, **words, **facts},
    )


def _facts(counts: Counts, length: int) -> dict[str, JSON]:
    """A split's numbers, and the shares that tell whether vocabulary and packing fit the text."""
    numbers = counts.numbers
    return {
        **numbers,
        "unknown_share": numbers["unknown"] / max(1, numbers["text_tokens"]),
        "filled_share": numbers["tokens"] / max(1, numbers["rows"] * length),
    }


def _report(facts: Mapping[str, Any], reporter: Reporter) -> Report:
    train = facts["train"]
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
    return f"counts/{part}.json"


def _read_counts(out: Draft, part: str) -> Counts:
    return Counts.from_json(cast(dict[str, Any], out.read_json(_counts_of(part))))
