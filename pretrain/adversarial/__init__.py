"""Adversaries: a family of methods that train on perturbed embeddings.

A member is a frozen value with the method `passes(attack, state) -> losses`, each to be differentiated before
the next is asked for; see `attack`. To add one, write its file and name its class here.
"""

from typing import Annotated

from pydantic import Field

from corpora.settings import named
from pretrain.adversarial.alum import Alum
from pretrain.adversarial.attack import Adversary, Attack, Pass, Places, plain
from pretrain.adversarial.pgd import Pgd

Pretraining = Annotated[Alum | Pgd, Field(discriminator="method"), named("method")]
"""Those that go with any pre-training objective."""

Finetuning = Annotated[Alum | Pgd, Field(discriminator="method"), named("method")]
"""All of them."""

__all__ = ["Adversary", "Alum", "Attack", "Finetuning", "Pass", "Pgd", "Places", "Pretraining", "plain"]
