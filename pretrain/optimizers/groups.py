"""What optimizers share: their settings, and which parameters are treated alike."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Annotated, Any, TypeAlias, TypedDict

from pydantic import Field
from torch import nn
from torch.optim import Optimizer

from corpora.errors import UsageError
from corpora.settings import Settings

Beta = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
HuggingFaceModel: TypeAlias = Any  # a PreTrainedModel, found among the modules of a network


class Adaptive(Settings):
    """Settings of every optimizer that keeps the means of gradients and of their squares."""

    name: str

    lr: Positive = 1e-4
    """Peak learning rate."""

    beta1: Beta = 0.9
    """Decay of the mean of gradients."""

    beta2: Beta = 0.999
    """Decay of the mean of squared gradients; 0.98 is steadier for large batches (arXiv:1907.11692)."""

    eps: Positive = 1e-6
    """Guard of the division."""

    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled; biases and LayerNorm are left out."""

    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Each layer learns at the rate of the one above it times this: the heads at the full rate, the
    embeddings at the lowest; generator and discriminator each by their own layers. For fine-tuning and short
    adaptation; ELECTRA: 0.8, large 0.9 (arXiv:2003.10555)."""

    def groups(self, network: nn.Module) -> list[dict[str, Any]]:
        """The parameters of a network as torch's optimizers take them."""
        return [dict(group) for group in groups(network, self.weight_decay, self.layer_decay)]


class Group(TypedDict):
    """Parameters that are treated alike."""

    params: list[nn.Parameter]
    weight_decay: float
    adapt: bool  # LAMB's trust ratio applies
    share: float  # of the learning rate


def groups(network: nn.Module, weight_decay: float, layer_decay: float = 1.0) -> list[Group]:
    """Matrices decay; biases and LayerNorm (whatever is one-dimensional) do not. Tied tensors appear once.

    With `layer_decay` below 1, so for each depth of the network, from the top down.
    """
    trained = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    kept = _undecayed(network)
    below = _below_top(network) if layer_decay < 1 else {}
    ranked = sorted(trained, key=lambda one: below.get(one[1], 0))  # stable: else in the network's own order
    found: list[Group] = []
    for depth, some in groupby(ranked, key=lambda one: below.get(one[1], 0)):
        parameters, share = [parameter for _, parameter in some], layer_decay**depth
        for adapt in (True, False):
            alike = [one for one in parameters if (one.ndim > 1 and one not in kept) == adapt]
            if alike:
                decay = weight_decay if adapt else 0.0
                found.append(Group(params=alike, weight_decay=decay, adapt=adapt, share=share))
    return found


def _undecayed(network: nn.Module) -> set[nn.Parameter]:
    """Matrices that decay would spoil: those that a module names as `undecayed`."""
    return {
        module.get_parameter(name)
        for module in network.modules()
        for name in getattr(module, "undecayed", ())
    }


def set_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Give each group its share of the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate * group.get("share", 1.0)


def _below_top(network: nn.Module) -> Mapping[nn.Parameter, int]:
    """How many layers each parameter of an encoder is below the heads: 1 in the top one.

    Each encoder of a pair is counted by itself; what they share is as far below as in the deeper one.

    Google's ELECTRA counts the top layer as 2 below, for a pooler that its encoder has not
    (google-research/electra issues 51 and 64): here it is 1, as in its paper.

    Raises:
        UsageError: a network is no encoder of layers with weights of their own.
    """
    below = dict[nn.Parameter, int]()
    for model in _models(network) or [network]:
        layers = _layers(model)
        if layers is None:
            raise UsageError(
                f"{type(model).__name__} has no layers with weights of their own, "
                "from which layer_decay could count: set optimizer.layer_decay to 1"
            )
        found = dict.fromkeys(_at_the_bottom(model.base_model, layers), len(layers) + 1)
        for number, layer in enumerate(layers):
            found |= dict.fromkeys(layer.parameters(), len(layers) - number)
        below |= {one: max(depth, below.get(one, 0)) for one, depth in found.items()}
    return below


def _models(network: nn.Module) -> list[HuggingFaceModel]:
    """The models of `transformers` in it, without those that are part of another."""
    from transformers import PreTrainedModel

    found, inside = list[HuggingFaceModel](), set[nn.Module]()
    for module in network.modules():
        if isinstance(module, PreTrainedModel) and module not in inside:
            found.append(module)
            inside |= set(module.modules())
    return found


def _layers(model: HuggingFaceModel) -> nn.ModuleList | None:
    """The encoder's list of layers."""
    if not hasattr(model, "base_model"):
        return None
    lists = (module for module in model.base_model.modules() if isinstance(module, nn.ModuleList))
    return next((found for found in lists if len(found) == model.config.num_hidden_layers), None)


def _at_the_bottom(base: nn.Module, layers: nn.ModuleList) -> Iterator[nn.Parameter]:
    """The base model's parameters that feed its layers.

    These are all that were built before the layers, and those beside them in the module that runs them, such
    as DeBERTa's table of relative positions. What comes behind that module (a pooler, a last LayerNorm)
    learns as the heads do.
    """
    for child in base.children():
        if child is layers:
            return
        yield from child.parameters()
        if any(module is layers for module in child.modules()):
            return
