"""The network: any `transformers` encoder with its own masked-LM head, read at the positions to predict only.

The head costs hidden x vocab multiplications a position, more than all layers of a small encoder: running it
at the 15 % that are asked, not everywhere, is what makes a step fast. No network is copied here.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from pydantic import ConfigDict, model_validator
from torch import Tensor, nn

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.batch import Batch
from pretrain.objectives.terms import Outputs

HuggingFaceModel: TypeAlias = Any  # PreTrainedModel: its heads differ by type, which no annotation says

TOKEN_HEADS: Mapping[str, Callable[[HuggingFaceModel, Tensor], Tensor]] = {
    "bert": lambda model, hidden: model.cls.predictions(hidden),
    "electra": lambda model, hidden: model.generator_lm_head(model.generator_predictions(hidden)),
    "modernbert": lambda model, hidden: model.decoder(model.head(hidden)),
    "roberta": lambda model, hidden: model.lm_head(hidden),
    "xlm-roberta": lambda model, hidden: model.lm_head(hidden),
}
"""Model type -> its masked-LM head: (masked, hidden) -> (masked, vocab)."""

PAIR_HEADS: Mapping[str, Callable[[HuggingFaceModel, Tensor], Tensor]] = {
    "bert": lambda model, pooled: model.cls.seq_relationship(pooled),
}
"""Model type -> its sentence-pair head: (batch, hidden) -> (batch, 2)."""

COMPUTED = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Precision -> what autocast computes in; in fp32 there is no autocast."""

SEGMENTED = {"bert", "electra"}
"""Model types that are told which segment a token is of (RoBERTa's tokenizers give no segments)."""

OURS = {"vocab_size": "the token set", "pad_token_id": "the token set", "model_type": "`type`"}


class Model(Settings):
    """A network from scratch: its type, and any key of that type's configuration in `transformers`."""

    model_config = ConfigDict(extra="allow")

    type: str
    """Model type of `transformers`, such as bert."""

    @model_validator(mode="after")
    def _known(self) -> "Model":
        """Refuse what `transformers` would silently keep: a misspelt key."""
        if self.type not in TOKEN_HEADS:
            raise ValueError(f"type {self.type!r} is none of {', '.join(sorted(TOKEN_HEADS))}")
        known = _config_class(self.type)().to_dict()
        for key in self.model_extra or {}:
            if key in OURS:
                raise ValueError(f"{key} is taken from {OURS[key]}: leave it out")
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{key!r} is no key of a {self.type} configuration{hint}")
        return self


class Network(nn.Module):
    """A `transformers` model with its heads. `forward` is the whole of what the engine runs."""

    def __init__(self, model: HuggingFaceModel, precision: str = "fp32") -> None:
        """Wrap `model`; with precision bf16 or fp16 it runs under autocast, its weights stay float32."""
        super().__init__()
        self.model = model
        self._precision = COMPUTED.get(precision)
        self._token_head = TOKEN_HEADS[model.config.model_type]
        self._pair_head = PAIR_HEADS.get(model.config.model_type) if has_pair_head(model) else None
        self._segments = model.config.model_type in SEGMENTED and model.config.type_vocab_size > 1

    def forward(self, batch: Batch) -> Outputs:
        """Logits at the positions to predict (masked, vocab) and of the pairs (batch, 2)."""
        with torch.autocast(batch.input_ids.device.type, self._precision, self._precision is not None):
            segments = {"token_type_ids": batch.token_type_ids} if self._segments else {}
            # Without pads no mask is needed, and attention takes its fastest path.
            mask = None if bool(batch.attention_mask.all()) else batch.attention_mask
            encoded = self.model.base_model(input_ids=batch.input_ids, attention_mask=mask, **segments)
            hidden = encoded.last_hidden_state.flatten(0, 1)  # (batch * length, hidden)
            tokens = self._token_head(self.model, hidden.index_select(0, batch.masked_positions))
            pairs = self._pair_head(self.model, encoded.pooler_output) if self._pair_head else None
        return Outputs(tokens, pairs)


def has_pair_head(model: HuggingFaceModel) -> bool:
    """Whether the model was built with its pooler and sentence-pair head."""
    return getattr(getattr(model, "cls", None), "seq_relationship", None) is not None


def build(model: Model, vocabulary_size: int, pad_id: int, pairs: bool, seed: int) -> HuggingFaceModel:
    """A network with fresh weights, a function of `seed`; with its pair head if `pairs`.

    Raises:
        UsageError: the type has no pair head, or the values do not go together.
    """
    torch.manual_seed(seed)
    try:
        config = _config_class(model.type)(
            vocab_size=vocabulary_size, pad_token_id=pad_id, **(model.model_extra or {})
        )
        return network_class(model.type, pairs)(config)
    except (TypeError, ValueError) as error:
        raise UsageError(f"no {model.type} network can be built like this: {error}") from error


def check_fit(model: HuggingFaceModel, vocabulary_size: int, length: int) -> None:
    """Refuse token ids or positions that the network has no row for.

    Raises:
        UsageError: with both numbers.
    """
    config = model.config
    if config.vocab_size < vocabulary_size:  # more rows than ids are harmless: published networks are padded
        raise UsageError(
            f"the network has {config.vocab_size} word vectors, the token set {vocabulary_size} ids: "
            "encode the text with the network's own tokenizer"
        )
    if length > (room := positions(config)):
        raise UsageError(
            f"rows of up to {length} tokens, but the network has {room} positions: "
            "lower packing.length, or raise model.max_position_embeddings"
        )


def positions(config: Any) -> int:  # noqa: ANN401 - any configuration of `transformers`
    """Tokens of the longest row that a network of this configuration reads."""
    # RoBERTa numbers its positions from behind the pad id, and so has that many fewer.
    used = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta") else 0
    return int(config.max_position_embeddings) - used


def _config_class(model_type: str) -> Any:  # noqa: ANN401 - a class found by name
    from transformers import CONFIG_MAPPING

    return CONFIG_MAPPING[model_type]


def network_class(model_type: str, pairs: bool) -> Any:  # noqa: ANN401 - a class found by name
    """The class of `transformers` for a type, with its sentence-pair head if `pairs`.

    Raises:
        UsageError: that type has none.
    """
    from transformers import MODEL_FOR_MASKED_LM_MAPPING, MODEL_FOR_PRETRAINING_MAPPING

    if pairs and model_type not in PAIR_HEADS:
        raise UsageError(
            f"objectives 'sop' and 'nsp' need a sentence-pair head; {model_type!r} has none, "
            f"{', '.join(PAIR_HEADS)} has: leave them out or change model.type"
        )
    mapping = MODEL_FOR_PRETRAINING_MAPPING if pairs else MODEL_FOR_MASKED_LM_MAPPING
    return mapping[_config_class(model_type)]
