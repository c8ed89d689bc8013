"""How many rows a device works on at once: found before the first step, halved where memory runs out.

Masks and denominators are functions of the step, so a step is redone in smaller micro-batches as if nothing
had happened; only dropout draws other masks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import torch

from corpora.errors import UsageError
from pretrain.adversarial import Adversary
from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine
from pretrain.loading import Loader
from pretrain.objectives import Objective
from pretrain.step import train_step

HEADROOM = 0.92  # share of the free memory to fill: blocks of other sizes leave gaps
MOMENTS_BYTES = 8  # a parameter, of Adam's two moments, which the first step allocates

Result = TypeVar("Result")


class Fitting:
    """The windows of a run, in micro-batches that fit."""

    def __init__(self, engine: Engine, loader: Loader, rows: int, auto: bool) -> None:
        """Begin with micro-batches of at most `rows` rows; `auto`: fewer where memory runs out."""
        self.engine, self.loader, self.auto = engine, loader, auto
        engine.rows = rows
        engine.agrees_on_memory = auto and engine.redoes and engine.ranks.world > 1

    def windows(self, steps: Sequence[int]) -> Iterator[Window]:
        """The windows of `steps`, each in micro-batches of the size that is known by then."""
        ranks, taken = self.engine.ranks, 0
        while taken < len(steps):
            rows = self.engine.rows
            for window in self.loader.windows(steps[taken:], ranks.number, ranks.world, rows):
                taken += 1
                yield window
                if rows != self.engine.rows:  # those made ahead are too large
                    break

    def take(self, window: Window, step: Callable[[Window], Result]) -> Result:
        """What `step` makes of a window, taken again in smaller micro-batches where memory runs out.

        Raises:
            UsageError: it cannot be taken again, or not even one row fits.
        """
        ranks = self.engine.ranks
        while True:
            try:
                return step(window)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
                tried = self.engine.rows  # of all ranks; this one's micro-batches may be smaller
                if not (self.auto and self.engine.drop_window()) or tried == 1:
                    raise self._too_much(tried) from error
            # Out of the handler: it keeps the frames, and with them the activations, alive.
            self.engine.rows = tried // 2
            if ranks.device.type == "cuda":
                torch.cuda.empty_cache()
            window = self.loader.window(window.step, ranks.number, ranks.world, self.engine.rows)

    def _too_much(self, tried: int) -> UsageError:
        """What did not fit where, and what to change."""
        ranks = self.engine.ranks
        ways = [
            "speed.checkpoint_activations to true",
            "speed.precision to bf16",
            "speed.zero to 1, 2 or 3 with several processes",
            "speed.offload to optimizer (zero 1 to 3) or parameters (zero 3)",
        ]
        if tried > 1:
            ways.insert(0, f"speed.micro_batch to {tried // 2} or less")
        return UsageError(
            f"out of memory on {ranks.me} with {tried} rows of up to {self.loader.tokens.length} tokens at "
            f"once: set {', or '.join(ways)}; the same command goes on from the newest checkpoint"
        )


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error is of memory: a GPU's is of a class of its own, a CPU's is told by its words."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def probe(
    engine: Engine,
    loader: Loader,
    objectives: Mapping[str, Objective],
    most: int,
    adversary: Adversary | None = None,
) -> int:
    """The largest micro-batch, of at most `most` rows, that fits this job's GPUs: the same on all ranks.

    Steps of one row, two, four ... are taken and thrown away: their loss is made NaN, which no engine
    applies. Memory grows in a straight line with the rows, so the size that would fill it is never tried.
    """
    ranks = engine.ranks
    engine.network.train()  # `from_pretrained` hands networks out with their dropout off
    never = {name: one.model_copy(update={"weight": float("nan")}) for name, one in objectives.items()}
    always = adversary and adversary.model_copy(update={"start_step": 0, "every": 1})
    free, _ = torch.cuda.mem_get_info(ranks.device)
    to_come = MOMENTS_BYTES * sum(p.numel() for p in engine.network.parameters() if p.requires_grad)
    budget = HEADROOM * (free + torch.cuda.memory_reserved(ranks.device)) - to_come

    def peak(rows: int) -> float:
        torch.cuda.reset_peak_memory_stats(ranks.device)
        train_step(engine, loader.longest(rows), never, 0.0, seed=0, adversary=always)
        used = torch.tensor(float(torch.cuda.max_memory_allocated(ranks.device)), device=ranks.device)
        return float(ranks.largest(used - budget))  # over the budget of the rank that has least left

    return even(most, largest(most, peak))


def largest(most: int, excess: Callable[[int], float]) -> int:
    """The most rows whose `excess` over the memory there is stays below 0, by the line through its last two.

    One row is taken for granted: where it does not fit, the first step says so.
    """
    rows, now, slope = 1, excess(1), 0.0
    while 2 * rows <= most and now < 0 and now + slope * rows < 0:
        before, now = now, excess(2 * rows)
        slope, rows = max((now - before) / rows, 1.0), 2 * rows
    if now >= 0 or not slope:
        return max(1, rows // 2)
    return min(most, rows + int(-now / slope))


def even(share: int, rows: int) -> int:
    """The size of equal micro-batches of at most `rows` rows that make up a share."""
    count = -(-share // rows)
    return -(-share // count)
