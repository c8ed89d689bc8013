"""The matrix peak of a device, measured: what its share is told of while training."""

import time
from functools import cache

import torch

SIZES = {"cpu": 768, "cuda": 8192}  # of square matrices: large enough to be the matrix units' affair alone
SECONDS = 0.15
LEAST = 4  # products


@cache
def matrix_peak(device: torch.device, precision: str) -> float:
    """Operations a second in products of large matrices, the best of a few; measured once in a process.

    `matrix_peak.cache_clear()` has it measured anew.
    """
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)
    size = SIZES.get(device.type, SIZES["cpu"])
    one = torch.ones(size, size, dtype=kind, device=device)  # ones, not draws: no generator is touched
    best, begun, taken = 0.0, time.perf_counter(), 0
    while taken < LEAST or time.perf_counter() - begun < SECONDS:
        before = time.perf_counter()
        one @ one
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best, taken = max(best, 2.0 * size**3 / (time.perf_counter() - before)), taken + 1
    return best
