"""What attacks on text share: places that may be changed and by what, a budget, two ways to choose."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field

from corpora.artefact import Artefact
from corpora.settings import Settings
from pretrain.randomness import key
from tokenization.vocabulary import Tokenizer


class Place(NamedTuple):
    """A stretch of a text that an attack may replace, and by what; the best known choice first."""

    start: int
    end: int  # after its last character
    choices: tuple[str, ...]


Finder: TypeAlias = Callable[[str], Sequence[Place]]
"""All places of a text, in order. A pure function."""


@dataclass(frozen=True)
class Resources:
    """What an attack may look into beside its own tables."""

    tokenizer: Tokenizer  # of the network that is attacked
    lexicon: Artefact | None = None  # similar words in its token ids


class Attack(Settings):
    """Base of the family: how much of a text is changed, who chooses, and how many rows are attacked."""

    unit: ClassVar[str]  # what a place is

    budget: Annotated[float, Field(gt=0, le=1)] = 0.15
    """Share of the places of a text (characters or words, as the attack says) that are changed at most; one
    at least."""

    queries: Annotated[int, Field(ge=0)] = 0
    """How often the attack may ask the network about a row. 0: places and changes are drawn at random, and
    the network is asked once. Above: a greedy search by word importance (TextFooler's, arXiv 1907.11932,
    section 3) leaves out each place in turn, then changes the most important ones as hurts the true class
    most, until the answer is wrong or the budget or the queries are spent."""

    rows: Annotated[int | None, Field(ge=1)] = 1000
    """At most so many test rows are attacked, the first ones (rows are in the order of a hash); null: all."""

    @property
    def name(self) -> str:
        """As the attack is called: `same_sound 15 %`, `typos 20 %, 100 queries`."""
        word = str(self.model_dump()["attack"])
        return f"{word} {100 * self.budget:g} %" + (f", {self.queries} queries" if self.queries else "")

    def finder(self, resources: Resources) -> Finder:
        """The function that finds the places of a text, its tables in memory.

        Raises:
            UsageError: a package or an artefact that it needs is not there.
        """
        raise NotImplementedError

    def most(self, places: int) -> int:
        """How many of so many places may be changed."""
        return min(places, max(1, round(self.budget * places)))


def drawn(text: str, places: Sequence[Place], most: int, seed: int, purpose: str, row: int) -> str:
    """The text with `most` places changed at random: a pure function of its arguments."""
    draw = np.random.default_rng(int(key(seed, purpose, 0, row)))
    chosen: list[tuple[Place, str]] = []
    for number in draw.permutation(len(places)).tolist():
        place = places[number]
        if len(chosen) < most and not any(_cross(place, other) for other, _ in chosen):
            chosen.append((place, place.choices[int(draw.integers(len(place.choices)))]))
    return replaced(text, chosen)


def replaced(text: str, chosen: Iterable[tuple[Place, str]]) -> str:
    """The text with each of these places, of which no two cross, replaced.

    >>> replaced("abc", [(Place(2, 3, ()), "X"), (Place(0, 1, ()), "")])
    'bX'
    """
    parts, end = [], 0
    for place, choice in sorted(chosen):
        parts += [text[end : place.start], choice]
        end = place.end
    return "".join([*parts, text[end:]])


def free(places: Sequence[Place], taken: Iterable[Place]) -> list[Place]:
    """The places that cross none of those taken."""
    gone = list(taken)
    return [place for place in places if not any(_cross(place, other) for other in gone)]


def characters(text: str, choices: Callable[[str], Sequence[str]]) -> Iterator[Place]:
    """A place for each character that has choices."""
    for position, letter in enumerate(text):
        if found := tuple(choices(letter)):
            yield Place(position, position + 1, found)


def _cross(one: Place, other: Place) -> bool:
    return one.start < other.end and other.start < one.end
