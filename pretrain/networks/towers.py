"""A generator and a discriminator, and the embeddings that they share.

What is shared is one tensor in both, so that every step, save and load finds it tied. The discriminator is an
encoder of `transformers`, of any type, with a head of `pretrain.networks.detection`.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from corpora.errors import UsageError
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.networks.detection import DebertaHead, fresh_head
from pretrain.networks.generators import Sharing


class Discriminator(nn.Module):
    """An encoder, and a head that says of each token whether it was replaced, named as transformers does."""

    def __init__(self, encoder: HuggingFaceModel) -> None:
        """Put a fresh head on an encoder, drawn from torch's current seed."""
        super().__init__()
        self.config, self.base_model_prefix = encoder.config, str(encoder.base_model_prefix)
        self.add_module(self.base_model_prefix, encoder)
        self.discriminator_predictions = fresh_head(encoder.config)

    def judge(self, states: Tensor, starts: Tensor) -> Tensor:
        """Logits that tokens were replaced, (tokens,), of the encoder's states of them, (tokens, hidden).

        `starts` (tokens,): which of the tokens begins the document that each is of.
        """
        head = self.discriminator_predictions
        logits: Tensor = head(states, starts) if isinstance(head, DebertaHead) else head(states)
        return logits

    @property
    def base_model(self) -> HuggingFaceModel:
        """The encoder."""
        return self.get_submodule(self.base_model_prefix)


class Disentangled(nn.Module):
    """A table that is another tower's, without its gradient, plus a difference.

    Gradient-disentangled sharing (arXiv:2111.09543, section 3.3).
    """

    undecayed = ("delta",)  # decay would pull the table towards the generator's

    def __init__(self, base: nn.Embedding, own: nn.Embedding) -> None:
        """What `own` was, as a difference from `base`."""
        super().__init__()
        self.delta = nn.Parameter((own.weight - base.weight).detach())
        self._base, self._pad = (base,), own.padding_idx  # a tuple: it is a part of the other tower

    def forward(self, ids: Tensor) -> Tensor:
        """Vectors of ids, the other tower's as they are now."""
        with torch.no_grad():
            shared: Tensor = self._base[0](ids)
        return shared + embedding(ids, self.delta, self._pad)

    @property
    def weight(self) -> Tensor:
        """One table that says the same, as it is now."""
        return self._base[0].weight.detach() + self.delta.detach()


class Towers(nn.Module):
    """Both networks. Without a generator, tokens are drawn uniformly."""

    def __init__(
        self, generator: HuggingFaceModel | None, discriminator: Discriminator, sharing: Sharing
    ) -> None:
        """Join their embeddings, in place; what is tied becomes the generator's.

        Raises:
            UsageError: they cannot be joined.
        """
        super().__init__()
        self.generator, self.discriminator, self.sharing = generator, discriminator, sharing
        if generator is not None and sharing != "untied":
            _join(generator, discriminator, sharing)

    @property
    def config(self) -> Any:  # noqa: ANN401 - a configuration of `transformers`
        """The discriminator's configuration."""
        return self.discriminator.config

    @property
    def towers(self) -> tuple[HuggingFaceModel, ...]:
        """Models of `transformers`: the generator, if there is one, and the discriminator's encoder."""
        encoder = self.discriminator.base_model
        return (encoder,) if self.generator is None else (self.generator, encoder)

    @property
    def all_tied_weights_keys(self) -> Mapping[str, str]:
        """Second names of weights -> the first one."""
        first = {parameter: name for name, parameter in self.named_parameters()}
        every = self.named_parameters(remove_duplicate=False)
        return {name: first[parameter] for name, parameter in every if first[parameter] != name}

    def num_parameters(self) -> int:
        """Weights of both, shared ones once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def folded(self) -> dict[str, Tensor]:
        """The discriminator's weights as if it stood alone, named as in a class of `transformers`."""
        state = self.discriminator.state_dict()
        for name, module in self.discriminator.named_modules():
            if isinstance(module, Disentangled):
                del state[f"{name}.delta"]
                state[f"{name}.weight"] = module.weight
        return state


def parts(model: "Towers | HuggingFaceModel") -> tuple[HuggingFaceModel, ...]:
    """The models of `transformers` in what is trained: one, or those of a pair."""
    return model.towers if isinstance(model, Towers) else (model,)


@torch.no_grad()
def adopt(heir: HuggingFaceModel, giver: HuggingFaceModel) -> None:
    """Give one of a pair the embeddings of the other, where they are of one shape."""
    ours, theirs = _block(heir), dict(_block(giver).named_parameters())
    for name, parameter in ours.named_parameters():
        if name in theirs and theirs[name].shape == parameter.shape:
            parameter.copy_(theirs[name])


def alike(generator: HuggingFaceModel, discriminator: Discriminator) -> bool:
    """Whether the embeddings of two networks are the same, so that one can stand for both."""
    ours, theirs = _block(generator), dict(_block(discriminator).named_parameters())
    common = [(p, theirs[name]) for name, p in ours.named_parameters() if name in theirs]
    return all(torch.equal(p, other) for p, other in common if p.shape == other.shape)


def _join(generator: HuggingFaceModel, discriminator: Discriminator, sharing: Sharing) -> None:
    base, block = _block(generator), _block(discriminator)
    theirs, ours = _tables(base), _tables(block)
    _refuse_other_tables(generator, theirs, discriminator, ours)
    if sharing == "gdes":
        for name, table in ours.items():
            _put(block, name, Disentangled(theirs[name], table))
        return
    shared = dict(base.named_parameters())
    for name, parameter in list(block.named_parameters()):
        # DeBERTa's LayerNorm comes after the projection, as wide as the layers: each may have its own.
        if name in shared and shared[name].shape == parameter.shape:
            _put(block, name, shared[name])


def _tables(block: nn.Module) -> dict[str, nn.Embedding]:
    return {name: one for name, one in block.named_modules() if isinstance(one, nn.Embedding)}


def _block(model: HuggingFaceModel) -> nn.Module:
    """The embedding block."""
    found = getattr(model.base_model, "embeddings", None)
    if not isinstance(found, nn.Module) or isinstance(found, nn.Embedding):
        raise UsageError(
            f"a {model.config.model_type} network has no block of embeddings that could be shared: "
            "set generator.sharing to untied"
        )
    return found


def _refuse_other_tables(
    generator: HuggingFaceModel,
    theirs: Mapping[str, nn.Embedding],
    discriminator: Discriminator,
    ours: Mapping[str, nn.Embedding],
) -> None:
    """Both must have tables of the same names and shapes."""
    for name in sorted({*theirs, *ours}):
        here, there = (
            tuple(one[name].weight.shape) if name in one else "not there" for one in (theirs, ours)
        )
        if here != there:
            raise UsageError(
                f"the generator ({generator.config.model_type}) and the discriminator "
                f"({discriminator.config.model_type}) cannot share embeddings: {name} is {here} in the one, "
                f"{there} in the other; give a pair that was trained together, or set sharing to untied"
            )


def _put(module: nn.Module, name: str, value: nn.Module | nn.Parameter) -> None:
    """Set a parameter or module by its path."""
    owner, _, attribute = name.rpartition(".")
    setattr(module.get_submodule(owner), attribute, value)
