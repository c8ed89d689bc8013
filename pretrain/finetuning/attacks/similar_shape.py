"""Chinese characters that look alike: 未 for 末, 晴 for 情."""

from functools import cache, partial
from pathlib import Path
from typing import ClassVar, Literal

from pretrain.finetuning.attacks.attack import Attack, Finder, Resources, characters

TABLE = Path(__file__).with_name("similar_shape.tsv")
"""Up to five common look-alikes of each of 6,618 simplified characters, nearest first.

Derived from the CJK Decomposition Data (Gavin Grover and others; used under the Apache License 2.0):
characters of GB2312 that share their largest component, or nearly all strokes; look-alikes are of its first
level, the 3,755 that are common.
"""


class SimilarShape(Attack):
    """Characters that look alike (形近字), as optical recognition and shape-based typing confuse them."""

    unit: ClassVar[str] = "character"

    attack: Literal["similar_shape"] = "similar_shape"
    """Chinese characters that look alike."""

    def finder(self, resources: Resources) -> Finder:
        """Places are characters of the table.

        >>> SimilarShape().finder(Resources(None))("期末A")[1].choices[0]
        '未'
        """
        table = _table()
        return lambda text: list(characters(text, partial(_of, table)))


def _of(table: dict[str, str], letter: str) -> str:
    return table.get(letter, "")


@cache
def _table() -> dict[str, str]:
    lines = (line for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#"))
    return dict(line.split("\t") for line in lines)
