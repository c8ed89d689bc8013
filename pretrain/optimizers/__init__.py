"""Optimizers: a family of settings, each with `build(network) -> torch optimizer`.

A member says how gradients become steps; the learning rate of each step comes from a schedule and is handed
out by `set_rate`. To add one, write its file and name its class here.
"""

from typing import Annotated

from pydantic import Field

from corpora.settings import named
from pretrain.optimizers.adamw import AdamW
from pretrain.optimizers.bert_adam import BertAdam
from pretrain.optimizers.groups import groups, set_rate
from pretrain.optimizers.lamb import Lamb

Optimizer = Annotated[AdamW | BertAdam | Lamb, Field(discriminator="name"), named("name")]

__all__ = ["AdamW", "BertAdam", "Lamb", "Optimizer", "groups", "set_rate"]
