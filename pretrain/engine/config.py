"""DeepSpeed's own configuration, made from a recipe's settings."""

from collections.abc import Mapping

from corpora.stage import JSON

BUCKET = 500_000_000
"""Gradients that go round the ranks at once, at most: DeepSpeed's own figure."""


def configuration(
    zero: int,
    micro_batch: int,
    clip: float,
    weights: int,
    overrides: Mapping[str, JSON],
    offload: str = "none",
    pin: bool = False,
) -> dict[str, JSON]:
    """DeepSpeed's JSON, `overrides` laid over it. Accumulation is ours, of any number of batches.

    `weights`: how many the network has. `offload` names what waits in the CPU's memory; with `pin`, in pages
    that a GPU reads directly.
    """
    base: dict[str, JSON] = {
        "train_micro_batch_size_per_gpu": micro_batch,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": clip if zero else 0.0,  # without ZeRO the norm is looked at first, see `update`
        # DeepSpeed's linear layer for stage 3 would replace torch's for the rest of the process: what later
        # stages of a recipe compute would then depend on what ran before them.
        "zero_optimization": {
            "stage": zero,
            "memory_efficient_linear": False,
            "reduce_bucket_size": min(weights, BUCKET),  # reserved whole: two gigabytes for any small network
            **_offloaded(offload, pin),
        },
        "zero_allow_untested_optimizer": True,
    }
    if offload != "none":
        base["zero_force_ds_cpu_optimizer"] = False  # torch's fused AdamW is as fast, and needs no compiler
    return _laid_over(base, overrides)


def _offloaded(what: str, pin: bool) -> dict[str, JSON]:
    """The keys of ZeRO-Offload (arXiv:2101.06840): moments and their update, then weights too."""
    place: dict[str, JSON] = {"device": "cpu", "pin_memory": pin}
    keys: dict[str, JSON] = {"offload_optimizer": place} if what != "none" else {}
    return keys | ({"offload_param": place} if what == "parameters" else {})


def _laid_over(base: Mapping[str, JSON], above: Mapping[str, JSON]) -> dict[str, JSON]:
    """`base` with the keys of `above`; where both hold a mapping, so do the mappings."""
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[key] = _laid_over(below, value) if both else value  # type: ignore[arg-type]
    return merged
