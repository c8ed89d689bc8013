"""What the command line asks to be compared: `--vary KEY=A,B`, `--grid KEY=A,B`, `--seeds 0-4`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpora.errors import UsageError

OPENING, CLOSING, QUOTES = "[{(", "]})", "'\""
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Choice:
    """A key of the recipe and the values that it takes in turn, as they were written."""

    key: str  # as in an override: `train.masking`
    values: tuple[str, ...]

    @property
    def stage(self) -> str:
        """The first word of the key: a stage, an input, or a key of the recipe itself."""
        return self.key.partition(".")[0]


def choice(text: str, flag: str) -> Choice:
    """Read one `KEY=A,B,C`.

    Raises:
        UsageError: it has another form, a value is missing, or one stands there twice.
    """
    key, equals, values = text.partition("=")
    key = key.strip().removeprefix("stages.")
    if not equals or not key:
        raise UsageError(f"{flag} {text}: wanted KEY=VALUE,VALUE, as in {flag} train.masking=token,ngram")
    found = tuple(value.strip() for value in split(values))
    if "" in found:
        raise UsageError(f"{flag} {text}: a value is empty; values stand between commas, without spaces")
    if twice := sorted({value for value in found if found.count(value) > 1}):
        raise UsageError(f"{flag} {text}: {twice[0]} is there twice")
    if len(found) < 2:
        raise UsageError(f"{flag} {text}: one value is nothing to compare; give two or more, or {text} alone")
    return Choice(key, found)


def distinct(choices: Sequence[Choice]) -> Sequence[Choice]:
    """The same choices, once it is known that none has the key of another, or a key within another's.

    Raises:
        UsageError: two do.
    """
    keys = [one.key for one in choices]
    for i, key in enumerate(keys):
        for other in keys[:i] + keys[i + 1 :]:
            if key == other or key.startswith(f"{other}."):
                raise UsageError(
                    f"{other} and {key} are one thing varied twice: give it one --vary or --grid"
                )
    return choices


def split(text: str) -> Iterator[str]:
    """Cut at the commas that stand in no brackets and no quotes.

    >>> list(split("token,{strategy: ngram, budget: 0.2},'a,b'"))
    ['token', '{strategy: ngram, budget: 0.2}', "'a,b'"]
    """
    depth, quote, begin = 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in QUOTES:
            quote = letter
        elif letter == "," and not depth:
            yield text[begin:place]
            begin = place + 1
        else:
            depth += (letter in OPENING) - (letter in CLOSING)
    yield text[begin:]


def seeds(text: str) -> tuple[int, ...]:
    """Read `0-4`, `0,1,7` or `0-2,7`, in rising order.

    Raises:
        UsageError: it is something else, names one twice, or may mean a count as well as a seed.

    >>> seeds("0-2,7")
    (0, 1, 2, 7)
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part)
        if match is None:
            raise UsageError(f"--seeds {text}: wanted a range or a list, as in 0-4 or 0,1,2")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= MOST_SEEDS:
            raise UsageError(f"--seeds {text}: {part.strip()} is no range of 1 to {MOST_SEEDS} seeds")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise UsageError(f"--seeds {text}: a seed is there twice; each counts once")
    if text.strip().isdecimal() and found != [0]:
        number = found[0]
        raise UsageError(
            f"--seeds {text}: {number} seeds are 0-{number - 1}, the seed {number} alone is {number}-{number}"
        )
    return tuple(sorted(found))
