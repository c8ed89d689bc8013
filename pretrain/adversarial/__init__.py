"""Adversaries: a family of methods that train on perturbed embeddings.

A member is a frozen value with the method `passes(attack, state) -> losses`, each to be differentiated before
the next is asked for; see `attack`. To add one, write its file and name its class here.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from corpora.settings import named
from pretrain.adversarial.alum import Alum
from pretrain.adversarial.attack import Adversary, Attack, Pass, Places, plain
from pretrain.adversarial.free_at import FreeAt
from pretrain.adversarial.freelb import FreeLb
from pretrain.adversarial.pgd import Pgd
from pretrain.adversarial.r3f import R3f
from pretrain.adversarial.smart import Smart
from pretrain.adversarial.text_at import TextAt

NOT_IN_PRETRAINING: Mapping[str, str] = {
    "free_at": "updates the weights several times within a step, and a step of pre-training is one update",
    "smart": "keeps a second set of weights, which no checkpoint of pre-training holds",
    "text_at": "keeps a table of the vocabulary, which no checkpoint of pre-training holds",
    "r3f": "makes no ascent: noise, to compare fine-tuning methods with",
}
"""Why the others do not go with pre-training."""


def _refuse(given: object) -> object:
    method = given.get("method") if isinstance(given, Mapping) else given
    if isinstance(method, str) and method in NOT_IN_PRETRAINING:
        raise ValueError(
            f"{method} is for fine-tuning alone: it {NOT_IN_PRETRAINING[method]}; take alum, freelb or pgd"
        )
    return given


Pretraining = Annotated[
    Alum | FreeLb | Pgd, Field(discriminator="method"), named("method"), BeforeValidator(_refuse)
]
"""Those that go with any pre-training objective."""

Finetuning = Annotated[
    Alum | FreeAt | FreeLb | Pgd | R3f | Smart | TextAt, Field(discriminator="method"), named("method")
]
"""All of them."""

__all__ = [
    "Adversary",
    "Alum",
    "Attack",
    "Finetuning",
    "FreeAt",
    "FreeLb",
    "Pass",
    "Pgd",
    "Places",
    "Pretraining",
    "R3f",
    "Smart",
    "TextAt",
    "plain",
]
