"""Sizes of perturbations, and how they are kept small. All in float32; padding is zero and has no size."""

import math
from typing import Literal

import torch
from torch import Tensor

from pretrain.adversarial.attack import Norm, Over, Places

Projection = Literal["none", "clip", "ball", "rescale"]

TINY = 1e-12  # under a division: far below any size that counts


def sizes(values: Tensor, places: Places, norm: Norm = "l2", over: Over = "token") -> Tensor:
    """The norm of (..., width), by token or by sequence: (..., 1)."""
    if norm == "linf":
        each = values.abs().amax(-1)
        return (each if over == "token" else _by_sequence(each, places, "amax"))[..., None]
    squares = values.square().sum(-1)
    return (squares if over == "token" else _by_sequence(squares, places, "sum")).sqrt()[..., None]


def word_length(table: Tensor) -> float:
    """Length of a word vector: the root mean square over a table (vocab, width)."""
    return float(torch.linalg.vector_norm(table.detach(), dtype=torch.float32)) / math.sqrt(len(table))


def lengths(places: Places) -> Tensor:
    """Movable tokens of each position's sequence, (..., 1) float32, at least 1."""
    return _by_sequence(places.movable.float(), places, "sum").clamp_min(1)[..., None]


def normalised(
    gradient: Tensor, places: Places, norm: Norm = "l2", over: Over = "token", tiny: float = TINY
) -> Tensor:
    """A gradient of size 1 (0 stays 0), nothing where nothing is movable."""
    gradient = gradient * places.movable[..., None]
    return gradient / sizes(gradient, places, norm, over).clamp_min(tiny)


def projected(
    delta: Tensor,
    radius: Tensor | float,
    places: Places,
    norm: Norm = "l2",
    over: Over = "token",
    projection: Projection = "ball",
    tiny: float = TINY,
) -> Tensor:
    """A perturbation of at most `radius`; (..., 1) or one number.

    ball: scaled down where it is larger. clip: each coordinate cut at the radius, which is the nearest point
    under linf. rescale: to the radius, wherever it was, `delta * radius / (size + tiny)`: ALUM's release.
    """
    if projection == "none":
        return delta
    if projection == "clip":
        bound = torch.as_tensor(radius, dtype=delta.dtype, device=delta.device)
        return delta.clamp(-bound, bound)
    size = sizes(delta, places, norm, over)
    if projection == "rescale":
        return delta * (radius / (size + tiny))
    return delta * (radius / size.clamp_min(tiny)).clamp_max(1.0)


def _by_sequence(values: Tensor, places: Places, how: str) -> Tensor:
    """Sum or maximum over the positions of each sequence, back at each of them; (...)."""
    index, flat = places.sequence.flatten(), values.flatten()
    found = flat.new_zeros(places.sequences).scatter_reduce(0, index, flat, how)
    return found[index].view_as(values)
