"""Is an adversarial run adversarial? Measured, for a run that is not looks the same in its losses.

A perturbation is worth its cost if it moves predictions more than a random one of its size does, and that
more than dropout alone. ALUM's released step is neither (its raw gradient is lost against its noise).
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from pretrain.adversarial.attack import Adversary, Attack, Pass, Said
from pretrain.adversarial.norms import TINY, sizes

FIGURES = ("kl_delta", "kl_random", "kl_zero", "delta_linf", "delta_l2", "delta_cosine")
"""Divergences (nats, of the mean prediction) at delta, at a random one of its norm, and at none: what dropout
does; largest coordinate and length of the mean token's delta; and its cosine to where it began."""

CLEARLY = 1.5  # times: released rules come to 0.9 to 1.2, a normalised gradient to tens
ROUNDING = 1e-6  # of a divergence


@torch.no_grad()
def examine(adversary: Adversary, attack: Attack[Said], done: Pass[Said]) -> dict[str, Tensor]:
    """Sums over a micro-batch, of which `figures` makes means; nothing is learnt. Dropout draws go on."""
    if done.delta is None:
        return {}
    delta = done.delta.detach()
    places, (norm, over) = attack.places, adversary.ball
    control = attack.noise("normal", "control")
    control = control * sizes(delta, places, norm, over) / sizes(control, places, norm, over).clamp_min(TINY)
    clean = attack.outputs(dropout=adversary.learning_dropout)
    moved = {"kl_delta": delta, "kl_random": control, "kl_zero": torch.zeros_like(delta)}
    sums = {  # under one dropout mask, so that they differ by the perturbation alone
        name: attack.symmetric(clean, attack.outputs(shift, dropout="same")) for name, shift in moved.items()
    }
    start = delta if done.start is None else done.start.detach()
    return sums | {
        "delta_linf": delta.abs().amax(-1).sum(),
        "delta_l2": delta.norm(dim=-1).sum(),
        "delta_cosine": (cosine_similarity(delta, start, -1) * places.movable).sum(),
        "movable": places.movable.sum().float(),
    }


def figures(sums: Mapping[str, float]) -> dict[str, float]:
    """The figures of a whole step, by name; none where nothing was examined."""
    if "kl_delta" not in sums:
        return {}
    tokens = max(sums["movable"], 1.0)
    return {name: sums[name] / (tokens if name.startswith("delta") else 1.0) for name in FIGURES}


def is_adversarial(found: Mapping[str, float]) -> bool:
    """Whether the perturbation does clearly more than a random one, dropout taken away from both.

    By `CLEARLY`, for noise is now and then the better noise; and by more than rounding.
    """
    floor = found["kl_zero"]
    worst, random = found["kl_delta"] - floor, found["kl_random"] - floor
    return worst > max(CLEARLY * random, ROUNDING * max(floor, 1.0))
