"""What the generator says: a token drawn from its logits at each position to predict.

By inverse transform: one uniform number a position, looked up in the cumulative distribution. ELECTRA's code
takes the largest of the logits with Gumbel noise, a number for each row of the vocabulary
(google-research/electra, pretrain/pretrain_helpers.py). Both draw from softmax(logits / temperature); this
one needs a vocabulary's worth fewer random numbers, and no guards that cut the noise's tails in float32.

The number belongs to the row, the step and the place in the row (`pretrain.randomness`): micro-batches, ranks
and restarts change none of them.
"""

import torch
from torch import Tensor

BLOCK = 128  # ids: the cumulative distribution is of blocks, then within one, and so costs next to nothing

BELOW_ONE = 1 - 2.0**-52  # times any number it stays below that number

_GAMMA, _MIX_A, _MIX_B = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15
"""Those of `pretrain.randomness`, as signed numbers: torch has no other 64-bit ones that multiply."""


@torch.no_grad()
def sample(logits: Tensor, uniform: Tensor, temperature: float = 1.0) -> Tensor:
    """One id a position from softmax(logits / temperature), (positions,); the logits are (positions, vocab).

    `uniform` (positions,) are float64 in [0, 1). No id of probability 0 is ever drawn. Where logits are no
    numbers, ids mean nothing, but are ids.
    """
    chances = (logits.float() if temperature == 1 else logits.float() / temperature).softmax(-1)
    size, whole = chances.shape[-1], chances.shape[-1] // BLOCK * BLOCK
    full = chances[:, :whole].reshape(len(chances), whole // BLOCK, BLOCK)
    block, rest = _find(torch.cat([full.sum(-1), chances[:, whole:].sum(-1, keepdim=True)], -1), uniform)
    ids = block[:, None] * BLOCK + torch.arange(BLOCK, device=block.device)
    place, _ = _find(chances.gather(1, ids.clamp(max=size - 1)) * (ids < size), rest)
    return (block * BLOCK + place).clamp(max=size - 1)


def _find(chances: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Where numbers in [0, 1) fall among chances, (positions,), and where within it, in [0, 1) again."""
    ends = chances.cumsum(-1, dtype=torch.float64)
    wanted = uniform[:, None] * ends[:, -1:]  # rounding: the last is not quite 1
    found = torch.searchsorted(ends, wanted, right=True).clamp(max=chances.shape[-1] - 1)
    size = chances.gather(1, found)
    within = 1 - (ends.gather(1, found) - wanted) / size
    return found.squeeze(1), within.squeeze(1).clamp(0, BELOW_ONE)


def uniform(keys: Tensor, counters: Tensor) -> Tensor:
    """`pretrain.randomness.uniform` of int64 keys and counters, equal shapes, less its last bit: float64."""
    bits = _finish(keys + (counters + 1) * _GAMMA)
    return _shifted(bits, 12).double() * 2.0**-52


def _finish(x: Tensor) -> Tensor:
    """Splitmix64's finisher."""
    x = (x ^ _shifted(x, 30)) * _MIX_A
    x = (x ^ _shifted(x, 27)) * _MIX_B
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """To the right, zeros from the left: torch's own shift would repeat the sign."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)
