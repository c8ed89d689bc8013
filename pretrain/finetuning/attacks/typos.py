"""English words as a hurried hand types them: neighbours on the keyboard, swaps, letters lost or doubled."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources

WORD = re.compile(r"[A-Za-z]+")
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each row is half a key further right than the one above


class Typos(Attack):
    """One slip in a word, behind its first letter: a wrong key, two letters swapped, one lost or doubled."""

    unit: ClassVar[str] = "word"

    attack: Literal["typos"] = "typos"
    """English typing errors."""

    shortest: Annotated[int, Field(ge=2)] = 4
    """Shortest word that is changed, in letters."""

    def finder(self, resources: Resources) -> Finder:
        """Places are words of Latin letters."""
        return self.places

    def places(self, text: str) -> list[Place]:
        """Each word that is long enough, with all of its slips."""
        words = ((word.start(), word.end(), word[0]) for word in WORD.finditer(text))
        return [
            Place(start, end, tuple(dict.fromkeys(slips(word))))
            for start, end, word in words
            if len(word) >= self.shortest
        ]


def slips(word: str) -> Iterator[str]:
    """The word with one slip.

    >>> list(slips("an"))[:4]
    ['a', 'ann', 'ab', 'ah']
    """
    for place in range(1, len(word)):
        letter, before, after = word[place], word[:place], word[place + 1 :]
        if after and after[0] != letter:
            yield before + after[0] + letter + after[1:]
        yield before + after
        yield before + letter * 2 + after
        for near in neighbours(letter.lower()):
            yield before + (near.upper() if letter.isupper() else near) + after


def neighbours(letter: str) -> list[str]:
    """The keys around one.

    >>> "".join(neighbours("g"))
    'bfhtvy'
    """
    places = {
        key: (2 * column + row, row) for row, keys in enumerate(KEYS) for column, key in enumerate(keys)
    }
    x, y = places.get(letter, (-9, -9))
    return sorted(k for k, (a, b) in places.items() if k != letter and abs(a - x) + abs(b - y) <= 2)
