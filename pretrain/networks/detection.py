"""The heads of discriminators: what says of each token whether it was replaced.

ELECTRA's reads the token's own state (arXiv:2003.10555, section 2). DeBERTa-V3's reads beside it the state of
[CLS] (arXiv:2111.09543; microsoft/DeBERTa, apps/models/replaced_token_detection_model.py).
"""

from typing import Any

from torch import Tensor, nn

HEAD = "discriminator_predictions"
"""What the head is called in a pair, and in `ElectraForPreTraining`."""

RELEASED = "mask_predictions"
"""What it is called in the files of DeBERTa-V3's discriminators."""


class DebertaHead(nn.Module):
    """DeBERTa-V3's head, its weights named as in the released files."""

    def __init__(self, config: Any) -> None:  # noqa: ANN401 - a configuration of `transformers`
        """Fresh weights, drawn from torch's current seed as Microsoft's code draws them."""
        from transformers.activations import ACT2FN

        super().__init__()
        self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACT2FN[config.hidden_act]
        self.classifier = nn.Linear(config.hidden_size, 1)
        for layer in (self.dense, self.classifier):
            nn.init.normal_(layer.weight, std=config.initializer_range)
            nn.init.zeros_(layer.bias)

    def forward(self, states: Tensor, starts: Tensor) -> Tensor:
        """Logits (tokens,) of states (tokens, hidden).

        `starts` (tokens,): which token begins the document of each; in a row of one document that is [CLS].
        """
        read = self.LayerNorm(states + states.index_select(0, starts))
        logits: Tensor = self.classifier(self.activation(self.dense(read)))
        return logits.squeeze(-1)


def fresh_head(config: Any) -> nn.Module:  # noqa: ANN401
    """The head for an encoder of this configuration, drawn from torch's current seed."""
    return DebertaHead(config) if config.model_type == "deberta-v2" else _electra_head(config)


def _electra_head(config: Any) -> nn.Module:  # noqa: ANN401
    """As google-research/electra: its last layer by the framework's default, which was Glorot's."""
    from transformers import ElectraConfig
    from transformers.models.electra.modeling_electra import ElectraDiscriminatorPredictions

    activation = getattr(config, "hidden_act", "gelu")
    like = ElectraConfig(hidden_size=config.hidden_size, hidden_act=activation)
    head: nn.Module = ElectraDiscriminatorPredictions(like)  # type: ignore[no-untyped-call]
    nn.init.normal_(head.get_parameter("dense.weight"), std=getattr(config, "initializer_range", 0.02))
    nn.init.xavier_uniform_(head.get_parameter("dense_prediction.weight"))
    nn.init.zeros_(head.get_parameter("dense.bias"))
    nn.init.zeros_(head.get_parameter("dense_prediction.bias"))
    return head


def released_class() -> Any:  # noqa: ANN401 - a class of `transformers`
    """What opens a released discriminator of DeBERTa-V3 with its head: `transformers` leaves that out."""
    from transformers.models.deberta_v2.modeling_deberta_v2 import DebertaV2Model, DebertaV2PreTrainedModel

    class DebertaV2ForReplacedTokenDetection(DebertaV2PreTrainedModel):
        def __init__(self, config: Any) -> None:  # noqa: ANN401
            super().__init__(config)
            self.deberta = DebertaV2Model(config)
            self.mask_predictions = DebertaHead(config)
            self.post_init()  # type: ignore[no-untyped-call]

    return DebertaV2ForReplacedTokenDetection
