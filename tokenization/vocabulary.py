"""What training must know of a tokenizer: ids by name, and a digest that ties what was encoded to it."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import xxhash

from corpora.errors import BadData
from corpora.manifest import canonical
from corpora.stage import JSON

Tokenizer: TypeAlias = Any
"""A fast tokenizer of `transformers`, whose import costs seconds: too much for naming its class."""

NEEDED = ("pad", "unk", "cls", "sep", "mask")
UNUSED = re.compile(
    r"\[unused\d+\]|<unused\d+>|madeupword\d+"
)  # BERT, T5 and fairseq call their spare rows so


@dataclass(frozen=True)
class Vocabulary:
    """Ids by name. `size` counts rows of the embedding: one more than the largest id."""

    digest: str  # xxh3-128 of every (id, token) and of the special names
    size: int
    pad_id: int
    unk_id: int
    cls_id: int
    sep_id: int
    mask_id: int
    special_ids: tuple[int, ...]  # ascending; never masked, never drawn as a replacement
    unused_ids: tuple[int, ...]  # ascending; rows without a token or kept spare: never drawn either

    @property
    def drawable_ids(self) -> tuple[int, ...]:
        """Ids that a random replacement may show, ascending: neither special nor unused."""
        barred = {*self.special_ids, *self.unused_ids}
        return tuple(number for number in range(self.size) if number not in barred)

    def to_json(self) -> dict[str, JSON]:
        """Plain JSON, read back by `from_json`."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Vocabulary":
        """The value that `to_json` wrote."""
        fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
        return cls(**fields)

    @classmethod
    def read(cls, path: Path) -> "Vocabulary":
        """Read the `vocabulary.json` of a token set."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8")))


def describe(tokenizer: Tokenizer, origin: str) -> Vocabulary:
    """Collect the ids of `tokenizer`, which was loaded from `origin`.

    Raises:
        BadData: a special token is not set, is not in the vocabulary, or stands for two things.
    """
    tokens: dict[str, int] = tokenizer.get_vocab()
    ids = _special_ids({name: getattr(tokenizer, f"{name}_token") for name in NEEDED}, tokens, origin)
    size, special = max(tokens.values()) + 1, set(tokenizer.all_special_ids)
    unused = {number for token, number in tokens.items() if UNUSED.fullmatch(token)}
    unused |= set(range(size)) - set(tokens.values())
    listing = [sorted((number, token) for token, number in tokens.items()), ids]
    return Vocabulary(
        digest=xxhash.xxh3_128_hexdigest(canonical(listing).encode()),
        size=size,
        pad_id=ids["pad"],
        unk_id=ids["unk"],
        cls_id=ids["cls"],
        sep_id=ids["sep"],
        mask_id=ids["mask"],
        special_ids=tuple(sorted(special)),
        unused_ids=tuple(sorted(unused - special)),
    )


def _special_ids(named: Mapping[str, str | None], tokens: Mapping[str, int], origin: str) -> dict[str, int]:
    """Ids of the five names; two of them may not share one."""
    ids: dict[str, int] = {}
    for name, token in named.items():
        if token is None or token not in tokens:
            found = " ".join(str(other) for other in named.values() if other in tokens) or "none"
            raise BadData(
                f"{origin} has no {name} token (found: {found}); "
                f"name one of its tokens as {name}_token in its tokenizer_config.json"
            )
        if tokens[token] in ids.values():
            raise BadData(f"{origin} uses {token} as {name} token and as another; each needs its own")
        ids[name] = tokens[token]
    return ids
