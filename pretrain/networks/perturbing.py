"""Embeddings that can be moved: a hook on a model of `transformers`, whose code and weights stay as they are.

The perturbation is added in float32 to what the word table or the embedding block gives, inside the model:
positions, segments and LayerNorm are applied once, as always. (A perturbed output of the block that is handed
back as `inputs_embeds` meets them twice.)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from corpora.errors import UsageError
from pretrain.adversarial.attack import Level, Places
from pretrain.batch import Batch
from pretrain.networks.architectures import HuggingFaceModel


@dataclass(frozen=True)
class Shift:
    """What is different in one pass."""

    delta: Tensor | None = None  # (..., width) float32, added to the embeddings; None: they are watched
    detached: bool = False  # the embeddings do not learn from this pass
    exact: bool = False  # in float32, whatever the network computes in
    drawn: Tensor | None = None  # (masked,) what a generator filled in before: the discriminator alone is run


class Embeddings:
    """The embeddings of one model at one level: watched in clean passes, moved in others."""

    def __init__(self, model: HuggingFaceModel, level: Level) -> None:
        """Hook into the model, for good.

        Raises:
            UsageError: it has no embedding block that is known as such.
        """
        self.width = width(model)  # while it is whole: ZeRO 3 takes it to pieces
        self.words: nn.Module = model.get_input_embeddings()
        self.clean: Tensor | None = None  # (..., width) float32, cut off: of the last clean pass
        self._shift: Shift | None = None
        _module(model, level).register_forward_hook(self._pass)

    @contextmanager
    def moved(self, shift: Shift | None) -> Iterator[None]:
        """Inside, passes of the model are moved like this."""
        self._shift = shift
        try:
            yield
        finally:
            self._shift = None

    @torch.compiler.disable  # what is compiled is cut here, which costs nothing that could be seen
    def _pass(self, module: nn.Module, given: Any, embedded: Tensor) -> Tensor | None:  # noqa: ANN401 - a hook
        """Add what is to be added."""
        shift = self._shift
        if shift is None:
            return None
        if shift.delta is None:
            self.clean = embedded.detach().float()
            return None
        return (embedded.detach() if shift.detached else embedded).float() + shift.delta


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside, no parameter gets a gradient, and none is computed: compiled parts notice, too."""
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    try:
        for parameter in learning:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def places(batch: Batch, positions: Tensor, special_ids: Sequence[int]) -> Places:
    """The positions of a batch that a network reads, those of (batch * length) named in its own shape.

    All but padding may be moved.
    """
    ids, real = (each.flatten()[positions] for each in (batch.input_ids, batch.attention_mask))
    special = torch.isin(ids, ids.new_tensor(special_ids)) | ~real
    return Places(ids, real, special, positions // batch.input_ids.shape[1], len(batch.input_ids))


def width(model: HuggingFaceModel) -> int:
    """Numbers of a word vector."""
    return int(model.get_input_embeddings().weight.shape[-1])


def _module(model: HuggingFaceModel, level: Level) -> nn.Module:
    """The part of a model whose output is perturbed."""
    if level == "words":
        table: nn.Module = model.get_input_embeddings()
        return table
    block = getattr(model.base_model, "embeddings", None)
    if not isinstance(block, nn.Module) or isinstance(block, nn.Embedding):
        raise UsageError(
            f"a {model.config.model_type} network has no embedding block to perturb: "
            "set adversarial.level to words"
        )
    return block
