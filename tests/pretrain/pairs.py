"""A small generator and discriminator in which every weight matters, without dropout."""

import torch

from pretrain.networks.architectures import network_class
from pretrain.networks.generators import Generator, Sharing, configure
from pretrain.networks.pair import PairNetwork
from pretrain.networks.towers import Discriminator, Towers, adopt
from pretrain.objectives import Objectives
from pretrain.objectives.electra import Electra
from tests.pretrain.encoders import tiny

OBJECTIVES = Objectives.model_validate({"electra": 50}).active()


def towers(
    name: str = "electra", sharing: Sharing = "tied", width: float = 0.5, depth: float = 1.0, layers: int = 1
) -> Towers:
    """Of a type; the discriminator is 16 wide and has so many layers."""
    encoder = tiny(
        name, num_hidden_layers=layers, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    ).base_model
    discriminator = Discriminator(encoder)
    config = configure(Generator(width=width, depth=depth, sharing=sharing), discriminator.config)
    generator = network_class(config.model_type, pairs=False)(config)
    dice = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in (*generator.parameters(), *discriminator.discriminator_predictions.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=dice)
    if sharing != "untied":
        adopt(generator, discriminator)
    return Towers(generator, discriminator, sharing)


def pair(
    name: str = "electra", sharing: Sharing = "tied", precision: str = "fp32", asked: Electra | None = None
) -> PairNetwork:
    """The same, as the engine runs it."""
    torch.manual_seed(0)
    return PairNetwork(towers(name, sharing), asked or Electra(), precision)


def uniform_pair() -> PairNetwork:
    """Without a generator."""
    torch.manual_seed(0)
    return PairNetwork(Towers(None, Discriminator(tiny("electra").base_model), "tied"), Electra())
