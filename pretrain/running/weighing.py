"""How large the networks of a training stage will be, by their configurations: none of them is built.

Layers are counted as BERT's. Biases, LayerNorms, positions and what a head has beside the word table are left
out, a hundredth or two of the rest.
"""

from dataclasses import dataclass
from typing import Any

from pretrain.networks.architectures import config_class, configuration
from pretrain.networks.generators import Generator, configure
from pretrain.training.settings import Train
from tokenization.pretrained import Pretrained


@dataclass(frozen=True)
class Size:
    """Weights of a network."""

    encoder: float  # of the layers' matrices, and of the one that brings tables to the layers' width
    table: float  # word vectors, which are a masked-LM head's matrix as well

    @classmethod
    def of(cls, config: Any, vocabulary: float) -> "Size":  # noqa: ANN401 - a configuration of `transformers`
        """Those that a configuration asks for, with so many word vectors."""
        if not hasattr(config, "hidden_size"):  # Perceiver's like: taken for BERT-base
            config = config_class("bert")()
        width = config.hidden_size
        inner = getattr(config, "intermediate_size", 4 * width)
        tables = getattr(config, "embedding_size", width)
        between = tables * width if tables != width else 0
        return cls(
            config.num_hidden_layers * (4 * width * width + 2 * width * inner) + between, vocabulary * tables
        )


def size_at(checkpoint: Pretrained | None) -> Size:
    """That of a checkpoint in a folder; of BERT-base where it is elsewhere, or none that can be read."""
    found = configuration(checkpoint) or config_class("bert")()
    return Size.of(found, found.vocab_size)


def sizes_of(config: Train, vocabulary: float) -> tuple[Size, Size]:
    """The network, or the discriminator, and its generator, of no weights where there is none.

    One whose configuration is not at hand is taken for BERT-base.

    Raises:
        UsageError: no generator goes with the discriminator.
    """
    if config.model:
        beside = config_class(config.model.type)(pad_token_id=0, **(config.model.model_extra or {}))
    else:
        beside = configuration(config.from_pretrained) or config_class("bert")()
    network, settings = Size.of(beside, vocabulary), config.generator or Generator()
    if not config.objectives.pairs_networks or settings.uniform:
        return network, Size(0.0, 0.0)
    other = configuration(config.generator_place) or configure(settings, beside)
    return network, Size.of(other, vocabulary)
