"""How a micro-batch lies before the network: its tokens end to end, or its rows side by side.

End to end, (1, tokens), nothing is computed on padding, and attention is told where documents begin. That is
for a CPU, and for a GPU with FlashAttention. Side by side, (batch, length), every batch has nearly the same
shape and a mask says who sees whom: for `torch.compile`, and for a GPU without FlashAttention. A network that
does not take its attention from `transformers` sees rows of one document each, and their padding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corpora.errors import UsageError
from pretrain.batch import Batch
from pretrain.networks.architectures import HuggingFaceModel, first_position, reads_segments
from pretrain.networks.attention import FLASH, WITHIN_DOCUMENTS, Rectangles, isolates, joins


@dataclass(frozen=True)
class Laid:
    """A micro-batch as the encoder reads it, and where to look in what it returns, flattened."""

    arguments: Mapping[str, Any]  # of the encoder
    asked: Tensor  # (masked,) positions to predict
    rows: Tensor | None = None  # (batch,) first tokens of rows; None: each row lies apart


class Layout:
    """Lays micro-batches before one model."""

    def __init__(self, model: HuggingFaceModel) -> None:
        """For a model that `attention.prepare` has seen."""
        self._model, self._segments = model, reads_segments(model)
        self._isolates, self._joins = isolates(model), joins(model)
        self._offset = first_position(model.config)

    def __call__(self, batch: Batch) -> Laid:
        """What to run the encoder on."""
        if not self._isolates:
            mask = None if _full(batch) else batch.attention_mask
            return self._laid(batch, batch.masked_positions, attention_mask=mask)
        if self._end_to_end(batch):
            return self._join(batch)
        told: dict[str, Any] = {
            "position_ids": batch.position_ids + self._offset,
            "attention_mask": self._mask(batch),
        }
        return self._laid(batch, batch.masked_positions, **told)

    def positions(self, batch: Batch) -> Tensor:
        """Where in (batch * length) the positions come from that the encoder reads, in its own shape."""
        if self._isolates and self._end_to_end(batch):
            return batch.attention_mask.flatten().nonzero().T
        ids = batch.input_ids
        return torch.arange(ids.numel(), device=ids.device).view_as(ids)

    def _end_to_end(self, batch: Batch) -> bool:
        if self._model.config._attn_implementation == FLASH:
            return True
        compiled = self._model.base_model._compiled_call_impl is not None  # by torch's Module.compile
        return self._joins and batch.input_ids.device.type == "cpu" and not compiled

    def _join(self, batch: Batch) -> Laid:
        """End to end: real tokens only, (1, tokens)."""
        real = batch.attention_mask.flatten()
        tokens = real.nonzero().squeeze(1)
        places, positions = real.cumsum(0) - 1, batch.position_ids.flatten()[tokens]
        starts = (positions == 0).nonzero().squeeze(1)
        firsts = torch.arange(0, real.numel(), batch.input_ids.shape[1], device=real.device)
        if self._model.config._attn_implementation == WITHIN_DOCUMENTS:
            told: dict[str, Any] = {"rectangles": Rectangles.of(starts, len(tokens))}
        else:
            told = _bounds(starts, len(tokens), batch.input_ids.shape[1])
        joined = self._laid(
            batch, places[batch.masked_positions], tokens, position_ids=positions[None] + self._offset, **told
        )
        return Laid(joined.arguments, joined.asked, places[firsts])

    def _mask(self, batch: Batch) -> Tensor | dict[str, Tensor] | None:
        """Who sees whom, (batch, 1, length, length): documents, and each pad, see themselves alone."""
        if _full(batch):
            return None
        documents = (batch.position_ids == 0).cumsum(1)
        mask = (documents[:, :, None] == documents[:, None])[:, None]
        config = self._model.config
        if "sliding_attention" not in (getattr(config, "layer_types", None) or ()):
            return mask
        place = torch.arange(mask.shape[-1], device=mask.device)
        near = (place[:, None] - place).abs() <= config.sliding_window
        return {"full_attention": mask, "sliding_attention": mask & near}

    def _laid(self, batch: Batch, asked: Tensor, tokens: Tensor | None = None, **told: Any) -> Laid:  # noqa: ANN401
        """With ids and segments of all rows, or of `tokens` alone."""
        columns = {"input_ids": batch.input_ids}
        if self._segments:
            columns["token_type_ids"] = batch.token_type_ids
        if tokens is not None:
            columns = {name: column.flatten()[tokens][None] for name, column in columns.items()}
        return Laid(columns | told, asked)


def check_isolation(model: HuggingFaceModel) -> None:
    """Refuse a network in which documents of one row could only see each other.

    Raises:
        UsageError: with what else would do.
    """
    if not isolates(model):
        raise UsageError(
            f"rows hold several documents, and attention of a {model.config.model_type} network cannot be "
            "kept within one: encode the text with packing doc_sentences, or set cross_document: true"
        )


def _full(batch: Batch) -> bool:
    """Whether no row has padding or a second document: attention then needs no mask, and is fastest."""
    return bool((batch.position_ids[:, -1] == batch.input_ids.shape[1] - 1).all())


def _bounds(starts: Tensor, tokens: int, longest: int) -> dict[str, Any]:
    """Where documents begin and end, as FlashAttention's kernels read it, (documents + 1,)."""
    ends = torch.cat([starts, starts.new_tensor([tokens])]).int()
    return {
        "cu_seq_lens_q": ends,
        "cu_seq_lens_k": ends,
        "max_length_q": longest,
        "max_length_k": longest,
    }
