"""The generator of a pair: how large it is, and what it shares with the discriminator.

ELECTRA's best generators have a quarter to a half of the discriminator's width (arXiv:2003.10555, figure 3);
DeBERTa-V3's has all of its width and half of its layers (arXiv:2111.09543).
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from corpora.errors import UsageError
from corpora.settings import Settings, named
from pretrain.networks.architectures import config_class
from tokenization.pretrained import Pretrained

HEAD = 64  # width of an attention head, as ELECTRA's code counts them

UNLISTED = ("deberta", "deberta-v2")
"""Types that read a width of tables from their configuration, `embedding_size`, though it lists none."""

Sharing = Literal["tied", "gdes", "untied"]


class Generator(Settings):
    """The network that fills in what is masked, so that the discriminator has something to find."""

    width: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Its hidden size, as a share of the discriminator's; a head of attention has 64 of it. ELECTRA: 0.25
    small and large, 0.3333 base."""

    depth: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Its layers, as a share of the discriminator's. DeBERTa-V3: 0.5, with width 1."""

    embedding: Annotated[int, Field(ge=1)] | None = None
    """Width of its tables; left out, that of the discriminator's. Another one only with sharing: untied."""

    sharing: Sharing = "tied"
    """tied: one embedding block for both, LayerNorm included, and the generator's output matrix is its word
    table. gdes: the discriminator's tables are the generator's, which it cannot change, plus a difference of
    its own (gradient-disentangled, arXiv:2111.09543, section 3.3). untied: nothing is shared."""

    uniform: bool = False
    """No network: every token of the vocabulary is drawn equally often. For debugging, and as a baseline."""

    from_pretrained: Annotated[Pretrained, named("path")] | None = None
    """Hugging Face folder or hub name of a generator to go on with; its size is then what it is."""

    @model_validator(mode="after")
    def _agree(self) -> "Generator":
        if self.uniform or self.from_pretrained:
            kind = type(self).model_fields
            sized = [
                key for key in ("width", "depth", "embedding") if getattr(self, key) != kind[key].default
            ]
            if self.uniform and self.from_pretrained:
                raise ValueError("uniform: true is no network that could go on from from_pretrained")
            if sized:
                what = "uniform: true" if self.uniform else "a generator that goes on"
                raise ValueError(f"{what} has no {' and '.join(sized)} to choose: leave that out")
        if self.embedding and self.sharing != "untied":
            raise ValueError(
                f"embedding: {self.embedding} gives the generator tables of its own, which cannot be "
                f"{self.sharing}: set sharing to untied, or model.embedding_size for both"
            )
        return self


def configure(settings: Generator, beside: Any) -> Any:  # noqa: ANN401 - configurations of `transformers`
    """The configuration of a generator beside a discriminator of the configuration `beside`.

    Raises:
        UsageError: its layers would need a projection from its tables, which its type has not.
    """
    hidden = max(1, round(settings.width * beside.hidden_size))
    shared, projects = settings.sharing != "untied", hasattr(beside, "embedding_size")
    theirs = getattr(beside, "embedding_size", beside.hidden_size)
    tables = settings.embedding or (theirs if shared or projects else hidden)
    config = _projecting(beside, tables, hidden) if tables != hidden else _copy(type(beside), beside)
    config.num_hidden_layers = max(1, round(settings.depth * beside.num_hidden_layers))
    if getattr(config, "layer_types", None):  # ModernBERT names the attention of each layer
        config.layer_types = config.layer_types[: config.num_hidden_layers]
    if hidden != beside.hidden_size:
        config.hidden_size, config.intermediate_size = hidden, 4 * hidden
        config.num_attention_heads = next(n for n in range(max(1, hidden // HEAD), 0, -1) if hidden % n == 0)
    if projects or tables != hidden:
        config.embedding_size = tables
    return config


def _projecting(beside: Any, tables: int, hidden: int) -> Any:  # noqa: ANN401
    """Of a type that brings tables to the width of its layers: the same one, or ELECTRA beside BERT."""
    if hasattr(beside, "embedding_size"):
        return _copy(type(beside), beside)
    if beside.model_type in UNLISTED:
        config = _copy(type(beside), beside)
        config.legacy = True  # the other head is as wide as the layers, and could not read the tables
        return config
    if beside.model_type == "bert":  # ELECTRA's network is BERT's, with a projection
        return _copy(config_class("electra"), beside)
    raise UsageError(
        f"a {beside.model_type} network has no projection from tables of width {tables} to layers of width "
        f"{hidden}: set generator.width to 1 and generator.depth lower, or generator.sharing to untied"
    )


def _copy(kind: Any, config: Any) -> Any:  # noqa: ANN401
    """A configuration of some type with all that it knows of another one."""
    known = {*kind().to_dict(), *kind.attribute_map} - {"model_type", "architectures", "transformers_version"}
    return kind(**{key: value for key, value in config.to_dict().items() if key in known})
