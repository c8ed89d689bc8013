"""Greedy black-box search for a change of a text that makes a classifier err, within a budget of queries.

As TextFooler (Jin et al., AAAI 2020, arXiv 1907.11932, section 3) ranks and replaces words, without its
filters of meaning: what may stand where is a matter of the attack's own choices. The network is only asked
for its probabilities. A search is a generator that asks about texts: those of many rows are asked together.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pretrain.finetuning.attacks import Place, free, replaced

Probabilities: TypeAlias = NDArray[np.float64]
"""(texts, classes), each row summing to 1."""

TOGETHER = 64  # rows that are searched at once


class Found(NamedTuple):
    """The end of a search."""

    text: str
    right: bool  # the answer to `text`, after all
    queries: int


Search: TypeAlias = Generator[list[str], Probabilities, Found]


def search(text: str, places: Sequence[Place], truth: int, most: int, queries: int) -> Search:
    """Look for changes at up to `most` places that turn the answer away from class `truth`.

    At most half of the queries go into ranking places: how much less likely is the true class without each.
    Then the most important places are changed in turn, each as makes the true class least likely.
    """
    clean = (yield [text])[0]
    asked, best = 1, clean[truth]
    if clean.argmax() != truth or not places:
        return Found(text, bool(clean.argmax() == truth), asked)
    ranked = _spread(places, max(1, queries // 2))
    without = yield [replaced(text, [(place, "")]) for place in ranked]
    asked += len(ranked)
    left = [ranked[number] for number in np.argsort(without[:, truth], kind="stable")]
    chosen: list[tuple[Place, str]] = []
    while left and len(chosen) < most and asked < queries:
        place, left = left[0], left[1:]
        choices = place.choices[: queries - asked]
        texts = [replaced(text, [*chosen, (place, choice)]) for choice in choices]
        said = yield texts
        asked += len(texts)
        if len(wrong := np.flatnonzero(said.argmax(axis=1) != truth)):
            return Found(texts[wrong[0]], False, asked)
        number = int(said[:, truth].argmin())
        if said[number, truth] < best:
            best = said[number, truth]
            chosen.append((place, choices[number]))
            left = free(left, [place])
    return Found(replaced(text, chosen), True, asked)


def search_all(
    searches: Iterable[Search], ask: Callable[[list[tuple[int, str]]], Probabilities]
) -> Iterator[Found]:
    """Run searches side by side; `ask` is given (number of the search, text) of all that is asked at once."""
    numbered = enumerate(searches)
    while some := dict(islice(numbered, TOGETHER)):
        yield from _together(some, ask)


def _together(
    searches: dict[int, Search], ask: Callable[[list[tuple[int, str]]], Probabilities]
) -> list[Found]:
    ended: dict[int, Found] = {}
    asking = {number: next(search) for number, search in searches.items()}
    while asking:
        said = ask([(number, text) for number, texts in asking.items() for text in texts])
        ends = np.cumsum([len(texts) for texts in asking.values()])[:-1]
        answers = dict(zip(asking, np.split(said, ends), strict=True))
        asking = {}
        for number, answer in answers.items():
            try:
                asking[number] = searches[number].send(answer)
            except StopIteration as end:
                ended[number] = end.value
    return [ended[number] for number in sorted(ended)]


def _spread(places: Sequence[Place], most: int) -> Sequence[Place]:
    """At most so many of them, from all over the text."""
    if len(places) <= most:
        return places
    return [places[number] for number in np.linspace(0, len(places) - 1, most).round().astype(int)]
