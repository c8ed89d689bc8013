"""Family of attacks on text: what may be changed and by what, without changing what a person reads in it.

A new one is a file here and a name in `Attack`.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.settings import named
from pretrain.finetuning.attacks.attack import Finder, Place, Resources, drawn, free, replaced
from pretrain.finetuning.attacks.case import Case
from pretrain.finetuning.attacks.characters import Characters
from pretrain.finetuning.attacks.same_sound import SameSound
from pretrain.finetuning.attacks.similar_shape import SimilarShape
from pretrain.finetuning.attacks.synonym import Synonym
from pretrain.finetuning.attacks.typos import Typos
from pretrain.finetuning.attacks.wordnet import WordNet

__all__ = ["AnyAttack", "Attack", "Finder", "Place", "Resources", "drawn", "free", "replaced"]

AnyAttack: TypeAlias = SimilarShape | SameSound | Synonym | Characters | Typos | WordNet | Case
Attack = Annotated[AnyAttack, Field(discriminator="attack"), named("attack")]
