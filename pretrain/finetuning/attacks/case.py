"""English words in another case: GREAT, Great, gREAT."""

import re
from typing import ClassVar, Literal

from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources

WORD = re.compile(r"[^\W\d_]+")


class Case(Attack):
    """Words in capitals, in small letters, with a capital, or as Caps Lock leaves them.

    A network with small letters alone (`uncased`) is not moved by it: a check of the tokenizer.
    """

    unit: ClassVar[str] = "word"

    attack: Literal["case"] = "case"
    """Words in another case."""

    def finder(self, resources: Resources) -> Finder:
        """Places are words that have cases."""
        return _places


def _places(text: str) -> list[Place]:
    found = []
    for match in WORD.finditer(text):
        word = match[0]
        forms = dict.fromkeys([word.upper(), word.lower(), word.capitalize(), word.swapcase()])
        if choices := tuple(form for form in forms if form != word and len(form) == len(word)):
            found.append(Place(match.start(), match.end(), choices))
    return found
