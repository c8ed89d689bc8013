"""How much of a corpus a lexicon covers, and some of its entries for a person to look at."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from corpora.reporter import Reporter
from corpora.stage import JSON
from tokenization.lexicon.entries import Entries

SHOWN = 30  # random entries in entries.txt
LOW_COVERAGE = 0.5


def coverage(entries: Entries, found: NDArray[np.int64]) -> dict[str, JSON]:
    """Words of the corpus and those that have similar ones, in all and by token count; `found` of each."""
    by_size = [
        {"tokens": size, **_count(entries, found, entries.sizes == size)}
        for size in range(1, int(entries.sizes.max()) + 1)
    ]
    return {**_count(entries, found, np.ones(len(found), np.bool_)), "by_token_count": by_size}


def tell(covered: dict[str, JSON], reporter: Reporter) -> None:
    """Say the shares of the running words, and warn where they are low."""
    parts = ", ".join(
        f"{row['tokens']}: {row['running_similar'] / row['running']:.0%} of {row['running']:,}"
        for row in covered["by_token_count"]
        if row["running"]
    )
    reporter.say(f"running words with similar words, by tokens a word: {parts}")
    if share(covered) < LOW_COVERAGE:
        reporter.say(
            f"only {share(covered):.0%} of the running words have similar words; "
            "the others can only turn random, see `fallback` of the replacement"
        )


def share(covered: dict[str, JSON]) -> float:
    """Running words that have similar ones, of all."""
    return float(covered["running_similar"] / max(covered["running"], 1))


def _count(entries: Entries, found: NDArray[np.int64], which: NDArray[np.bool_]) -> dict[str, int]:
    """Distinct and running words of the corpus among `which`, and those of them with similar words."""
    seen = which & (entries.counts > 0)
    similar = seen & (found > 0)
    return {
        "words": int(seen.sum()),
        "similar": int(similar.sum()),
        "running": int(entries.counts[seen].sum()),
        "running_similar": int(entries.counts[similar].sum()),
    }


def examples(entries: Entries, similar: NDArray[np.int32], seed: int) -> Iterator[str]:
    """Lines "word (occurrences): its similar words" of random words of the corpus, frequent ones likelier."""
    seen = np.flatnonzero((entries.counts > 0) & (similar[:, 0] >= 0))
    weights = np.sqrt(entries.counts[seen])
    rng = np.random.default_rng(seed)
    drawn = rng.choice(seen, min(SHOWN, len(seen)), replace=False, p=weights / weights.sum())
    for entry in drawn.tolist():
        others = " ".join(entries.words[other] for other in similar[entry] if other >= 0)
        yield f"{entries.words[entry]} ({entries.counts[entry]:,}): {others}"
