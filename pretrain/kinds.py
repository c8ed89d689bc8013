"""Kinds of stages, as `kind: train` of a recipe names them: the one place to register a new one."""

from collections.abc import Mapping

from corpora.sharding import Shard
from corpora.stage import StageSettings
from pretrain.export import Export
from pretrain.finetuning.settings import Finetune
from pretrain.training.settings import Train
from tokenization.encoding import Encode
from tokenization.lexicon.building import Lexicon

KINDS: Mapping[str, type[StageSettings]] = {
    kind.model_fields["kind"].default: kind for kind in (Shard, Encode, Lexicon, Train, Export, Finetune)
}
