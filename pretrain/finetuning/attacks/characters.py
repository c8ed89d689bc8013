"""Slips of the hand in any script: two characters swapped, one left out, one typed twice."""

from typing import ClassVar, Literal

from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources


class Characters(Attack):
    """A letter or Chinese character swapped with the next one, left out, or typed twice."""

    unit: ClassVar[str] = "character"

    attack: Literal["characters"] = "characters"
    """Characters swapped, left out, or typed twice."""

    def finder(self, resources: Resources) -> Finder:
        """Places are letters and digits of any script."""
        return _places


def _places(text: str) -> list[Place]:
    """Each character, with the next where it can be swapped with it."""
    found = []
    for position, letter in enumerate(text):
        if not letter.isalnum():
            continue
        after = text[position + 1 : position + 2]
        swapped = after.isalnum() and after != letter
        choices = (f"{after}{letter}", after, f"{letter}{letter}{after}") if swapped else ("", letter * 2)
        found.append(Place(position, position + (2 if swapped else 1), choices))
    return found
