"""Objectives: what the network is asked, each a loss summed over a micro-batch and a count over the window.

A new one is a file here and a field of `Objectives`.
"""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, model_validator

from corpora.settings import Settings
from pretrain.objectives.electra import Electra
from pretrain.objectives.mlm import Mlm
from pretrain.objectives.nsp import Nsp
from pretrain.objectives.sop import Sop

Objective: TypeAlias = Mlm | Sop | Nsp | Electra


def _weighed(value: object) -> object:
    """`mlm: 1.0` for `mlm: {weight: 1.0}`."""
    return {"weight": value} if isinstance(value, int | float) else value


Weighed = BeforeValidator(_weighed)


class Objectives(Settings):
    """The terms of the loss; one left out, or of weight 0, is not computed."""

    mlm: Annotated[Mlm | None, Weighed] = None
    """Predict the tokens at masked positions."""

    sop: Annotated[Sop | None, Weighed] = None
    """Predict whether the two segments were swapped."""

    nsp: Annotated[Nsp | None, Weighed] = None
    """Predict whether segment B follows A or is of another document; needs packing.random_next."""

    electra: Annotated[Electra | None, Weighed] = None
    """ELECTRA: a generator learns `mlm` (of weight 1 where left out) and fills in the masked positions, a
    discriminator finds its tokens. The weight is lambda."""

    @model_validator(mode="after")
    def _ask_something(self) -> "Objectives":
        if not self.active():
            raise ValueError("no objective has a weight above 0: give one, such as {mlm: 1.0}")
        if {"sop", "nsp"} <= self.active().keys():
            raise ValueError(
                "sop and nsp ask different things of the same pair of segments: give one of them"
            )
        if self.pairs_networks and self.ask_for_pairs:
            raise ValueError("electra's discriminator has no sentence-pair head: leave sop and nsp out")
        return self

    def active(self) -> dict[str, Objective]:
        """Those with a weight, by name, always in the same order."""
        asked = {name: term for name, term in self if term is not None and term.weight > 0}
        return {"mlm": Mlm(), **asked} if "electra" in asked and self.mlm is None else asked

    @property
    def pairs_networks(self) -> bool:
        """Whether a generator and a discriminator learn together."""
        return self.electra is not None and self.electra.weight > 0

    @property
    def ask_for_pairs(self) -> bool:
        """Whether the network needs a sentence-pair head."""
        return not self.active().keys().isdisjoint({"sop", "nsp"})
