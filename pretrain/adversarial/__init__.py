"""Adversaries: a family of methods that train on perturbed embeddings.

A member is a frozen value with the method `passes(attack, state) -> losses`, each to be differentiated before
the next is asked for; see `attack`. To add one, write its file and name its class here.
"""

from typing import Annotated

from pydantic import Field

from corpora.settings import named
from pretrain.adversarial.alum import Alum
from pretrain.adversarial.attack import Adversary, Attack, Pass, Places, plain
from pretrain.adversarial.free_at import FreeAt
from pretrain.adversarial.freelb import FreeLb
from pretrain.adversarial.pgd import Pgd
from pretrain.adversarial.r3f import R3f
from pretrain.adversarial.smart import Smart
from pretrain.adversarial.text_at import TextAt

Pretraining = Annotated[Alum | FreeLb | Pgd, Field(discriminator="method"), named("method")]
"""Those that go with any pre-training objective. The others do not: FreeAT updates the weights within a step,
SMART doubles them, TextAT keeps a table beside them, none of which a checkpoint of training has; R3F moves
nothing on purpose."""

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
