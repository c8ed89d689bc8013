"""The encoders of `transformers`: which there are, and what must be known of one before or beside its class.

Any type with a masked-LM class is taken whose head reads each position by itself. A type that needs more than
token ids (images, a second sequence) is not.
"""

import difflib
import inspect
from typing import Any, TypeAlias

from torch import Tensor, nn

from corpora.errors import BadData, UsageError
from tokenization.pretrained import Pretrained

HuggingFaceModel: TypeAlias = Any  # PreTrainedModel: its heads differ by type, which no annotation says

PAIRED = {
    "albert": "sop_logits",
    "bert": "seq_relationship_logits",
    "big_bird": "seq_relationship_logits",
    "ernie": "seq_relationship_logits",
    "fnet": "seq_relationship_logits",
    "megatron-bert": "seq_relationship_logits",
    "mobilebert": "seq_relationship_logits",
}
"""Types that have a sentence-pair head, and what its class for pre-training calls its answer."""

COUNTED_FROM_PAD = {
    *("roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod", "camembert"),
    *("data2vec-text", "ibert", "longformer", "luke", "mpnet"),
}
"""RoBERTa and its kin number positions from behind the pad id. Their tokenizers tell of no segments."""

ENDLESS = 1 << 30  # positions of a network whose configuration knows no bound


def config_class(model_type: str) -> Any:  # noqa: ANN401 - a class found by name
    """The configuration class of a type.

    Raises:
        UsageError: the type has no masked-LM head, or reads more than text.
    """
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as encoders

    if model_type not in encoders:
        near = difflib.get_close_matches(model_type, encoders, 1)
        hint = f"did you mean {near[0]!r}?" if near else "bert, roberta, electra, deberta-v2 and others are"
        raise UsageError(f"{model_type!r} is no encoder with a masked-LM head in transformers; {hint}")
    found = CONFIG_MAPPING[model_type]
    if found.sub_configs or getattr(found(), "is_encoder_decoder", False):
        raise UsageError(f"{model_type!r} is no plain text encoder: it has a decoder or reads more than text")
    return found


def configuration(checkpoint: Pretrained | None) -> Any | None:  # noqa: ANN401 - classes of `transformers`
    """That of a checkpoint in a folder; None where it is elsewhere, or none that can be read."""
    from transformers import AutoConfig

    try:
        folder = checkpoint.folder() if checkpoint else None
        return AutoConfig.from_pretrained(folder) if folder else None
    except (BadData, OSError, ValueError):
        return None


def network_class(model_type: str, pairs: bool) -> Any:  # noqa: ANN401 - a class found by name
    """The class of `transformers` for a type, with its sentence-pair head if `pairs`.

    Raises:
        UsageError: that type has none.
    """
    from transformers import MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_PRETRAINING_MAPPING

    if pairs and model_type not in PAIRED:
        raise UsageError(
            f"objectives 'sop' and 'nsp' need a sentence-pair head; {model_type!r} has none, "
            f"{', '.join(PAIRED)} have: leave them out or change model.type"
        )
    mapping = MODEL_FOR_PRETRAINING_MAPPING if pairs else MODEL_FOR_MASKED_LM_MAPPING
    return mapping[config_class(model_type)]


def has_pair_head(model: HuggingFaceModel) -> bool:
    """Whether the model was built with its pooler and sentence-pair head."""
    return model.config.model_type in PAIRED and type(model).__name__.endswith("ForPreTraining")


def token_logits(said: Any) -> Tensor:  # noqa: ANN401 - an output class that differs by type
    """Of what a masked-LM or pre-training class answers: the logits of tokens, (batch, length, vocab)."""
    logits: Tensor = said["prediction_logits"] if "prediction_logits" in said else said["logits"]
    return logits


def reads_segments(model: HuggingFaceModel) -> bool:
    """Whether the network is to be told which segment a token is of."""
    config = model.config
    return (
        config.model_type not in COUNTED_FROM_PAD
        and getattr(config, "type_vocab_size", 0) > 1
        and "token_type_ids" in inspect.signature(model.forward).parameters
    )


def positions(config: Any) -> int:  # noqa: ANN401 - any configuration of `transformers`
    """Tokens of the longest row that a network of this configuration reads."""
    return int(getattr(config, "max_position_embeddings", ENDLESS)) - first_position(config)


def first_position(config: Any) -> int:  # noqa: ANN401 - any configuration of `transformers`
    """The number of a row's first position."""
    if config.model_type == "mpnet":
        return 2  # whatever its pad id is
    return int(config.pad_token_id) + 1 if config.model_type in COUNTED_FROM_PAD else 0


def body_names(model: HuggingFaceModel) -> set[str]:
    """Names of the weights that the encoder runs on: all but those of the heads and of the pooler."""
    inside = {id(parameter) for parameter in model.base_model.parameters()}
    named = model.named_parameters(remove_duplicate=False)
    return {name for name, parameter in named if id(parameter) in inside and ".pooler." not in name}


def head_parameters(model: HuggingFaceModel) -> list[nn.Parameter]:
    """The weights of the heads and of the pooler alone: what is tied to the encoder's is the encoder's."""
    body = body_names(model)
    return [parameter for name, parameter in model.named_parameters() if name not in body]
