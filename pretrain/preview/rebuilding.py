"""The batch of a step, as training consumed it or will."""

from dataclasses import dataclass, fields, replace

import numpy as np
import xxhash
from numpy.typing import NDArray

from corpora.errors import UsageError
from pretrain.batch import Window
from pretrain.preview.opening import Opened, check_step
from pretrain.rows import Rows


@dataclass(frozen=True)
class Rebuilt:
    """One rank's share of a step."""

    window: Window
    rows: Rows  # the same rows, before and after replacement
    places: range  # where they stand in the global batch
    epochs: NDArray[np.int64]  # of each row


def rebuild(opened: Opened, step: int, rank: int, world: int) -> Rebuilt:
    """The batch of `step`, counted from 1, of one of `world` processes.

    Raises:
        UsageError: there is no such step or rank.
    """
    check_step(opened, step)
    if not 0 <= rank < world:
        raise UsageError(f"there is no rank {rank} of {world}: ranks count from 0, and --world says how many")
    loader, batch = opened.loader, opened.config.batch
    window = loader.window(step - 1, rank, world, opened.config.rows_at_once(world, loader.tokens.length))
    whole, places = loader.rows(step - 1), range(rank * batch // world, (rank + 1) * batch // world)
    part = slice(places.start, places.stop)
    rows = replace(whole, **{one.name: getattr(whole, one.name)[part] for one in fields(whole)})
    epochs = ((step - 1) * batch + np.arange(places.start, places.stop)) // len(loader.tokens)
    return Rebuilt(window, rows, places, epochs)


def digest(window: Window) -> str:
    """xxh3-128 of what the rows show and of what is asked of them; padding and micro-batches do not enter."""
    hashed = xxhash.xxh3_128()
    for batch in window.batches:
        answers = np.full(batch.input_ids.numel(), -1, np.int64)
        answers[batch.masked_positions.numpy()] = batch.masked_targets.numpy()
        shown, real = batch.input_ids.numpy(), batch.attention_mask.numpy()
        for row, asked, kept in zip(shown, answers.reshape(shown.shape), real, strict=True):
            hashed.update(np.stack([row[kept], asked[kept]]).tobytes())
    return hashed.hexdigest()
