"""Where something stands in a recipe, what is wrong with it, and the error that tells all of it at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from corpora.errors import UsageError

Key = tuple[str | int, ...]
"""A path into a recipe: `("stages", "train", "masking", "lengths", 0)`."""


ELSEWHERE = {
    "learning_rate": "lr",
    "num_epochs": "epochs",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch",
    "max_seq_length": "length",
    "model_name_or_path": "from_pretrained",
}
"""What `transformers` and its examples call keys of ours, where that is not near enough to be found."""


@dataclass(frozen=True, order=True)
class Place:
    """A position: lines and columns count from 1; line 0 means that the source has no lines."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`recipe.yaml:12:5`, or `command line`."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


COMMAND_LINE = Place("command line")


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend, in one line."""

    place: Place
    key: Key
    message: str

    def __str__(self) -> str:
        """`recipe.yaml:12:5: train.steps: got 'abc', wanted a whole number`."""
        return ": ".join(part for part in (str(self.place), dotted(self.key), self.message) if part)


class RecipeError(UsageError):
    """A recipe, or an override of it, cannot be done as written; the text has one problem a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Sort by position, so that the lines read like the file."""
        self.problems = tuple(sorted(set(problems), key=lambda problem: (problem.place, str(problem))))
        super().__init__("\n".join(map(str, self.problems)))


def dotted(key: Key) -> str:
    """A key as the command line writes it: stages by their bare name, list items by number.

    >>> dotted(("stages", "train", "masking", "lengths", 0))
    'train.masking.lengths.0'
    """
    return ".".join(map(str, key[1:] if len(key) > 1 and key[0] == "stages" else key))


def nearest(word: str, choices: Iterable[str]) -> str:
    """The closest choice, to be put behind a message; empty where none is close.

    >>> nearest("stpes", ["steps", "batch"])
    " (nearest: 'steps')"
    """
    close = get_close_matches(word, sorted(set(choices)), n=1)
    return f" (nearest: '{close[0]}')" if close else ""


def suggestion(word: str, choices: Iterable[str]) -> str:
    """The closest choice, or all of them where none is close.

    >>> suggestion("zzz", ["steps", "batch"])
    " (known: 'batch', 'steps')"
    """
    known = sorted(set(choices))
    if ELSEWHERE.get(word) in known:
        return f" (here: '{ELSEWHERE[word]}')"
    return nearest(word, known) or f" (known: {', '.join(map(repr, known))})"
