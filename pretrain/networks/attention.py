"""Attention within documents, for tokens that lie end to end without padding.

Registered with `transformers` as one of its attention functions, so that its networks run as they are. All
but attention works on single tokens and never sees padding; for attention the documents are laid out as
rectangles, those of like length together, and each is attended by itself. That costs the sum of the squares
of their lengths, as FlashAttention's kernels for documents of varying length do on a GPU; a block mask over
joined rows would cost the square of the sum.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from pretrain.networks.architectures import HuggingFaceModel

WITHIN_DOCUMENTS = "within_documents"  # our name among the attention functions of `transformers`
FLASH = "flash_attention_2"
MIXED = ("mobilebert",)
"""Types whose word embeddings reach over to their neighbours, and so over a document's bound."""
WIDTHS = tuple(size for power in range(4, 20) for size in (1 << power, 3 << power - 1))
"""Documents up to the same of these lengths share a rectangle, as wide as the longest of them."""


@dataclass(frozen=True)
class Rectangles:
    """Where the tokens of documents go, (slots,), and come back from, (tokens,)."""

    shapes: Sequence[tuple[int, int]]  # documents and width of each
    sources: Tensor  # (slots,) the token that goes there; any in an empty slot
    empty: Tensor  # (empty slots,)
    slots: Tensor  # (tokens,) where each token is
    masks: Sequence[Tensor | None]  # (documents, 1, 1, width) True on tokens; None: no slot is empty

    @classmethod
    def of(cls, starts: Tensor, tokens: int) -> "Rectangles":
        """Of documents that begin at `starts`, the first at 0, and fill so many tokens."""
        lengths = torch.diff(starts, append=starts.new_tensor([tokens]))
        kinds = torch.bucketize(lengths, torch.tensor(WIDTHS, device=starts.device))
        shapes, sources, filled = list[tuple[int, int]](), list[Tensor](), list[Tensor]()
        for kind in sorted(set(kinds.tolist())):
            alike = (kinds == kind).nonzero().squeeze(1)
            inside = torch.arange(int(lengths[alike].max()), device=starts.device)
            filled.append(inside < lengths[alike, None])
            sources.append(torch.where(filled[-1], starts[alike, None] + inside, 0))
            shapes.append((len(alike), len(inside)))
        source, full = torch.cat([s.flatten() for s in sources]), torch.cat([f.flatten() for f in filled])
        taken = full.nonzero().squeeze(1)
        slots = torch.empty(tokens, dtype=torch.int64, device=starts.device)
        slots[source[taken]] = taken
        masks = [None if bool(each.all()) else each[:, None, None] for each in filled]
        return cls(shapes, source, (~full).nonzero().squeeze(1), slots, masks)

    def spread(self, values: Tensor) -> list[Tensor]:
        """(tokens, heads, size) -> (documents, heads, width, size) of each rectangle."""
        spread = _Spread.apply(values, self)  # type: ignore[no-untyped-call]
        parts = spread.split([number * width for number, width in self.shapes])
        return [
            part.unflatten(0, shape).transpose(1, 2) for part, shape in zip(parts, self.shapes, strict=True)
        ]

    def collect(self, parts: Sequence[Tensor]) -> Tensor:
        """(documents, heads, width, size) of each rectangle -> (tokens, heads, size)."""
        joined = torch.cat([part.transpose(1, 2).flatten(0, 1) for part in parts])
        collected: Tensor = _Collect.apply(joined, self)  # type: ignore[no-untyped-call]
        return collected


class _Spread(torch.autograd.Function):
    """Tokens into slots, zeros into empty ones. Its gradient reads, where that of an index would add up."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rectangles: Rectangles) -> Tensor:  # noqa: ANN401 - torch's own
        ctx.rectangles = rectangles
        return values.index_select(0, rectangles.sources).index_fill_(0, rectangles.empty, 0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return _Collect.apply(gradient, ctx.rectangles), None  # type: ignore[no-untyped-call]


class _Collect(torch.autograd.Function):
    """Slots into tokens: the transpose of `_Spread`, and so each is the other's gradient."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rectangles: Rectangles) -> Tensor:  # noqa: ANN401 - torch's own
        ctx.rectangles = rectangles
        return values.index_select(0, rectangles.slots)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return _Spread.apply(gradient, ctx.rectangles), None  # type: ignore[no-untyped-call]


def prepare(model: HuggingFaceModel, halves: bool) -> None:
    """Give a model our attention, or on a GPU FlashAttention where installed and computing in half precision.

    One that does not take its attention from the functions of `transformers` stays as it is.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask
    from transformers.utils.import_utils import is_flash_attn_2_available

    if not isolates(model):
        return
    if halves and joins(model) and torch.cuda.is_available() and is_flash_attn_2_available():
        model.set_attn_implementation(FLASH)
        return
    AttentionInterface.register(WITHIN_DOCUMENTS, attend)
    AttentionMaskInterface.register(WITHIN_DOCUMENTS, sdpa_mask)
    model.set_attn_implementation(WITHIN_DOCUMENTS)


def isolates(model: HuggingFaceModel) -> bool:
    """Whether documents in one row can be kept from seeing each other in this network."""
    parameters = inspect.signature(model.base_model.forward).parameters
    apart = model._supports_attention_backend and model.config.model_type not in MIXED
    return bool(apart) and "position_ids" in parameters


def joins(model: HuggingFaceModel) -> bool:
    """Whether rows may lie end to end: a pooler that is handed first tokens alone would miss all but one."""
    return isolates(model) and not isinstance(getattr(model.base_model, "pooler", None), torch.nn.Linear)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    rectangles: Rectangles | None = None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **others: Any,  # noqa: ANN401 - what networks tell other attention functions
) -> tuple[Tensor, None]:
    """Attention of (1, heads, tokens, size) within documents; without `rectangles`, of padded rows."""
    if rectangles is None:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    queries, keys, values = (rectangles.spread(each[0].transpose(0, 1)) for each in (query, key, value))
    attended = [
        scaled_dot_product_attention(q, k, v, _within(mask, q, sliding_window), dropout, scale=scaling)
        for q, k, v, mask in zip(queries, keys, values, rectangles.masks, strict=True)
    ]
    return rectangles.collect(attended)[None], None


def _within(mask: Tensor | None, query: Tensor, window: int | None) -> Tensor | None:
    """The mask, and no token as far as `window` away from the one that looks."""
    width = query.shape[2]
    if window is None or width <= window:
        return mask
    place = torch.arange(width, device=query.device)
    near = (place[:, None] - place).abs() < window
    return near if mask is None else near & mask
