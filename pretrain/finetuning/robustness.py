"""Accuracy under attack: what is left of a classifier's score when its test rows are tampered with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from corpora.labelled import Row
from corpora.settings import Settings
from pretrain.finetuning.attacks import AnyAttack, Finder, Resources, drawn
from pretrain.finetuning.searching import search, search_all

Ask: TypeAlias = Callable[[Sequence[Row]], NDArray[np.float32]]
"""The network's class scores of rows, (rows, classes), before softmax."""

Share = Annotated[float, Field(ge=0, le=1)]


class Attacked(Settings):
    """How one network stood one attack."""

    accuracy: Share  # of rows after the attack
    clean: Share  # of the same rows before
    rows: int  # that were attacked
    changed: Share  # of them, those in which anything was changed
    queries: float  # to the network, a row


@dataclass(frozen=True)
class Attacker:
    """An attack made ready."""

    attack: AnyAttack
    finder: Finder

    @property
    def name(self) -> str:
        """The attack's."""
        return self.attack.name

    def run(self, rows: Sequence[Row], seed: int, ask: Ask) -> Attacked:
        """Attack the first texts of `rows`. Equal arguments give equal results: draws go by seed and row."""
        rows = rows[: self.attack.rows]
        before = _right(ask(rows), rows)
        texts, right, queries = (
            self._search(rows, ask) if self.attack.queries else self._draw(rows, seed, ask)
        )
        changed = [text != row.text for text, row in zip(texts, rows, strict=True)]
        return Attacked(
            accuracy=float(np.mean(right)),
            clean=float(np.mean(before)),
            rows=len(rows),
            changed=float(np.mean(changed)),
            queries=queries / len(rows),
        )

    def _draw(self, rows: Sequence[Row], seed: int, ask: Ask) -> tuple[list[str], NDArray[np.bool_], int]:
        """Changes at random; one query a row."""
        texts = []
        for number, row in enumerate(rows):
            places = self.finder(row.text)
            most = self.attack.most(len(places))
            texts.append(drawn(row.text, places, most, seed, f"attack {self.name}", number))
        changed = [replace(row, text=text) for row, text in zip(rows, texts, strict=True)]
        return texts, _right(ask(changed), rows), len(rows)

    def _search(self, rows: Sequence[Row], ask: Ask) -> tuple[list[str], NDArray[np.bool_], int]:
        """The worst changes that the greedy search finds."""
        found_in = [self.finder(row.text) for row in rows]
        searches = (
            search(row.text, places, _truth(row), self.attack.most(len(places)), self.attack.queries)
            for row, places in zip(rows, found_in, strict=True)
        )
        ended = list(
            search_all(
                searches, lambda asked: _softmax(ask([replace(rows[n], text=text) for n, text in asked]))
            )
        )
        right = np.array([found.right for found in ended])
        return [found.text for found in ended], right, sum(found.queries for found in ended)


def attackers(attacks: Sequence[AnyAttack], resources: Resources) -> list[Attacker]:
    """All attacks made ready, before any work.

    Raises:
        UsageError: one needs what is not there.
    """
    return [Attacker(attack=attack, finder=attack.finder(resources)) for attack in attacks]


def remarks(attacked: Mapping[str, Attacked]) -> list[str]:
    """What a person should know of attacks that could not do much."""
    return [
        f"{name} changed {one.changed:.0%} of {one.rows:,} rows: an attack for other text than this?"
        for name, one in attacked.items()
        if one.changed < 0.1 and one.clean > 0
    ]


def _right(said: NDArray[np.float32], rows: Sequence[Row]) -> NDArray[np.bool_]:
    """Which rows are answered rightly, (rows,)."""
    return np.asarray(said.argmax(axis=1) == np.array([_truth(row) for row in rows]))


def _truth(row: Row) -> int:
    return int(row.label or 0)


def _softmax(said: NDArray[np.float32]) -> NDArray[np.float64]:
    powers = np.exp(said.astype(np.float64) - said.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
