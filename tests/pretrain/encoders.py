"""Tiny encoders of many types, with weights that all matter."""

import torch

from pretrain.networks.architectures import HuggingFaceModel, config_class
from pretrain.networks.network import Model, build
from tests.tokenization.making import SIZE

SMALL = dict.fromkeys(("hidden_size", "dim", "d_model", "emb_dim", "embedding_size"), 16) | {
    **dict.fromkeys(("num_hidden_layers", "n_layers"), 1),
    **dict.fromkeys(("num_attention_heads", "n_heads"), 2),
    **dict.fromkeys(("intermediate_size", "hidden_dim"), 32),
    "max_position_embeddings": 64,
}
"""Sizes by all the names that configurations have for them."""

PROMISED = ("bert", "deberta-v2", "electra", "modernbert", "roberta", "xlm-roberta")
OTHERS = (
    "albert",
    "camembert",
    "convbert",
    "deberta",
    "distilbert",
    "mpnet",
    "nomic_bert",
    "rembert",
    "roformer",
)
TYPES = (*PROMISED, *OTHERS)

VARIANTS: dict[str, tuple[str, dict[str, object]]] = {
    "deberta-v3": ("deberta-v2", {"legacy": False}),
    "mobilebert": ("mobilebert", {"embedding_size": 8}),
}
"""What these names ask for besides their type: the head of DeBERTa's own checkpoints, a narrow table."""


def settings(name: str, **changes: object) -> dict[str, object]:
    """Those of a recipe for a tiny network of a type."""
    model_type, own = VARIANTS.get(name, (name, {}))
    kind = config_class(model_type)
    known = {**kind().to_dict(), **kind.attribute_map}
    sizes: dict[str, object] = {key: value for key, value in SMALL.items() if key in known}
    return {"type": model_type} | sizes | own | changes


def tiny(name: str, rows: int = SIZE, pairs: bool = False, **changes: object) -> HuggingFaceModel:
    """A network of a type, in which no bias is 0 and no LayerNorm the identity; without dropout."""
    model = build(Model.model_validate(settings(name, **changes)), rows, 0, pairs, seed=0).eval()
    dice = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=dice)
    return model
