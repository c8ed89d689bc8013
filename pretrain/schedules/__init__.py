"""Learning rates: a family of shapes, each a share of the peak as a pure function of the updates before.

To add one, write its file and name its class here.
"""

from typing import Annotated

from pydantic import Field

from corpora.settings import named
from pretrain.schedules.constant import Constant
from pretrain.schedules.cosine import Cosine
from pretrain.schedules.inverse_sqrt import InverseSqrt
from pretrain.schedules.linear import Linear
from pretrain.schedules.polynomial import Polynomial

Schedule = Annotated[
    Linear | Cosine | InverseSqrt | Constant | Polynomial, Field(discriminator="name"), named("name")
]

__all__ = ["Constant", "Cosine", "InverseSqrt", "Linear", "Polynomial", "Schedule"]
