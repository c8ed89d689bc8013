"""The lexicon stage: find similar words of equal token count for every word of a token set."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData
from corpora.reporter import Reporter
from corpora.stage import JSON, Reads, Report, StageSettings
from tokenization.lexicon import Provider, Synonyms
from tokenization.lexicon.entries import Entries, gather
from tokenization.lexicon.table import Arrays, hash_table
from tokenization.lexicon.vectors import Vectors
from tokenization.vocabulary import Vocabulary

BLOCK = 8192  # words whose neighbours are found, and saved, at a time
SHOWN = 30  # random entries in entries.txt
LOW_COVERAGE = 0.5


class Lexicon(StageSettings):
    """Similar words for MacBERT's replacement, from word vectors."""

    makes: ClassVar[str] = "lexicon"

    kind: Literal["lexicon"] = "lexicon"
    """Find similar words."""
    tokens: Annotated[str | None, Reads("tokens")] = None
    """The token set whose words, and whose token ids, the lexicon speaks."""
    provider: Provider = Synonyms()
    """Where similarity comes from: `synonyms`, or `word2vec` with a path."""
    top_k: Annotated[int, Field(ge=1, le=1000)] = 10
    """At most this many similar words a word: the toolkit's own default."""
    min_similarity: Annotated[float, Field(ge=-1, le=1)] = 0.5
    """Least cosine of a similar word. Below about 0.5, rare words get neighbours by accident."""
    longest: Annotated[int, Field(ge=1, le=64)] = 8
    """Words of more tokens get no similar words (addresses, formulas, runs of digits)."""

    def outside(self) -> Sequence[Path]:
        """The file of vectors."""
        return (self.provider.file(),)


def lexicon(config: Lexicon, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Build the lexicon. Neighbours are found in blocks, each of which survives a kill.

    Raises:
        BadData: the vectors are damaged, or give none of the corpus's words a similar one.
    """
    tokens = inputs["tokens"]
    vocabulary = Vocabulary.read(tokens.file("vocabulary.json"))
    vectors = config.provider.load()
    tokenizer_file = tokens.folder("tokenizer") / "tokenizer.json"
    entries = gather(tokens.file("words.arrow"), tokenizer_file, vocabulary, vectors.words, config.longest)
    if not ((entries.counts > 0) & (entries.rows >= 0)).any():
        raise BadData(
            f"{config.provider.file()} has vectors of {len(vectors.words):,} words, and none of them is "
            "among the corpus's words; are they of its language, and of its segmentation?"
        )
    if not out.has("entries.txt"):  # the last part
        similar = _find_similar(config, entries, vectors, out, reporter)
        if not (similar >= 0).any():
            raise BadData(
                f"no word has a similar one of equal token count with a cosine of {config.min_similarity} or "
                f"more in {config.provider.file()}; lower min_similarity, or take other vectors"
            )
        _write(entries, similar, config, out)
    for part in out.parts("block-"):
        out.discard(part)
    return _report(entries, np.diff(np.load(out.path / "similar_offsets.npy")), vocabulary, reporter)


def _find_similar(
    config: Lexicon, entries: Entries, vectors: Vectors, out: Draft, reporter: Reporter
) -> NDArray[np.int32]:
    """Entries similar to each entry, nearest first, -1 where there are fewer. (entries, top_k)."""
    similar = np.full((len(entries.words), config.top_k), -1, np.int32)
    blocks = list(_blocks(entries))
    for number, (queries, candidates) in enumerate(reporter.track(blocks, "similar words", unit="block")):
        part = f"block-{number:05d}.npy"
        if not out.has(part):
            found = vectors.nearest(
                entries.rows[queries], entries.rows[candidates], config.top_k, config.min_similarity
            )
            with out.write(part) as file:
                np.save(file, np.where(found >= 0, candidates[found], -1).astype(np.int32))
        similar[queries] = np.load(out.path / part)
    return similar


def _blocks(entries: Entries) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Entries to look up, a block at a time, and the entries of equal token count to look among."""
    sizes, known = entries.sizes, entries.rows >= 0
    for size in np.unique(sizes):
        candidates = np.flatnonzero(known & (sizes == size))
        queries = candidates[entries.counts[candidates] > 0]
        for begin in range(0, len(queries), BLOCK):
            yield queries[begin : begin + BLOCK], candidates


def _write(entries: Entries, similar: NDArray[np.int32], config: Lexicon, out: Draft) -> None:
    """Write the table's arrays, and some entries for a person to look at."""
    tokens = np.array([token for spelling in entries.spellings for token in spelling], np.int32)
    groups = _groups(entries, config.longest)
    arrays = Arrays(
        tokens=tokens,
        groups=groups,
        similar=similar[similar >= 0],
        similar_offsets=np.concatenate(([0], np.cumsum((similar >= 0).sum(axis=1)))),
        slots=hash_table(tokens, groups),
    )
    for name, array in arrays._asdict().items():
        with out.write(f"{name}.npy") as file:
            np.save(file, array)
    with out.write("entries.txt") as file:
        file.write("\n".join(_examples(entries, similar, config.seed or 0)).encode() + b"\n")


def _groups(entries: Entries, longest: int) -> NDArray[np.int64]:
    """By token count: first entry, end of the corpus's words, first token. (longest + 2, 3)."""
    counts = np.arange(longest + 2)
    first = np.searchsorted(entries.sizes, counts)
    seen = np.bincount(entries.sizes[entries.counts > 0], minlength=longest + 2)
    token_counts = np.concatenate(([0], np.cumsum(entries.sizes)))
    return np.stack([first, first + seen, token_counts[first]], axis=1).astype(np.int64)


def _examples(entries: Entries, similar: NDArray[np.int32], seed: int) -> Iterator[str]:
    """Lines "word (occurrences): its similar words" of random words of the corpus, frequent ones likelier."""
    seen = np.flatnonzero((entries.counts > 0) & (similar[:, 0] >= 0)).tolist()
    weights = entries.counts[seen].astype(float) ** 0.5
    for entry in dict.fromkeys(random.Random(seed).choices(seen, weights.tolist(), k=SHOWN)):
        others = " ".join(entries.words[other] for other in similar[entry] if other >= 0)
        yield f"{entries.words[entry]} ({entries.counts[entry]:,}): {others}"


def _report(entries: Entries, found: NDArray[np.int64], vocabulary: Vocabulary, reporter: Reporter) -> Report:
    """Count the corpus's words of up to `longest` tokens that have similar ones: `found` (entries,) each."""
    rows = [_coverage(entries, found, entries.sizes == size) for size in range(1, entries.sizes.max() + 1)]
    total = _coverage(entries, found, np.ones(len(found), np.bool_))
    share = total["running_similar"] / max(total["running"], 1)
    if share < LOW_COVERAGE:
        reporter.say(
            f"only {share:.0%} of the running words have similar words; the others will be random or kept"
        )
    by_size: list[JSON] = [{"tokens": size, **row} for size, row in enumerate(rows, 1)]
    return Report(
        f"similar words for {total['similar']:,} of {total['words']:,} words, {share:.0%} of running text",
        {"vocabulary": vocabulary.digest, "entries": len(found), **total, "by_token_count": by_size},
    )


def _coverage(entries: Entries, found: NDArray[np.int64], which: NDArray[np.bool_]) -> dict[str, int]:
    """Distinct and running words of the corpus among `which`, and those of them with similar words."""
    seen = which & (entries.counts > 0)
    similar = seen & (found > 0)
    return {
        "words": int(seen.sum()),
        "similar": int(similar.sum()),
        "running": int(entries.counts[seen].sum()),
        "running_similar": int(entries.counts[similar].sum()),
    }
