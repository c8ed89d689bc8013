"""What the clock says of a run, which no artefact may hold: throughput, share of peak, waiting, memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from pretrain.adversarial import Adversary
from pretrain.batch import Window
from pretrain.engine.deepspeed import Engine
from pretrain.engine.peak import matrix_peak
from pretrain.networks.flops import Flops

FIGURES = (
    *("tokens_per_second", "steps_per_second", "share_of_peak", "loader_wait_share", "padding_share"),
    "peak_memory",
)
"""What `Gauge.read` tells, no two times the same."""


@dataclass
class _Seen:
    """Sums over the windows since the last reading."""

    begun: float  # on the clock
    waited: float = 0.0  # seconds
    steps: int = 0
    work: float = 0.0  # operations, on all ranks
    tokens: int = 0  # real ones, on all ranks
    here: int = 0  # real tokens on this rank
    positions: int = 0  # on this rank, padding included

    def add(self, window: Window, flops: Flops) -> None:
        """Count a window."""
        self.steps += 1
        self.tokens += window.real_tokens
        self.work += flops.total(window.real_tokens, window.masked_total, window.masks.rows)
        for batch in window.batches:
            self.here += int(batch.attention_mask.sum())
            self.positions += batch.input_ids.numel()


class Gauge:
    """Measures between two lines of the log. All ranks make one at once, for peaks are measured together."""

    def __init__(self, engine: Engine, precision: str, adversary: Adversary | None = None) -> None:
        """Measure the device's peak, and start the clock."""
        self._flops, self._adversary = Flops.of(engine.network.model), adversary
        self._against = Flops.against(adversary, engine.network.model) if adversary else self._flops
        self._ranks, self._device, self._precision = engine.ranks, engine.ranks.device, precision
        self._peak = self._measured()
        self._seen = _Seen(time.monotonic())

    def watch(self, windows: Iterator[Window]) -> Iterator[Window]:
        """The same windows, counted, and the time that is spent waiting for them."""
        while True:
            before = time.monotonic()
            window = next(windows, None)
            self._seen.waited += time.monotonic() - before
            if window is None:
                return
            due = self._adversary is not None and self._adversary.due(window.step)
            self._seen.add(window, self._against if due else self._flops)
            yield window

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What is done inside is no training."""
        before = time.monotonic()
        yield
        self._seen.begun += time.monotonic() - before

    def read(self) -> dict[str, float]:
        """Figures of all that was seen since the last reading; then start anew. All ranks do it at once."""
        now, seen = time.monotonic(), self._seen
        seconds = max(now - seen.begun, 1e-9)
        self._raise_peak(seen.work / seconds)
        self._seen = _Seen(time.monotonic())
        values = (
            seen.tokens / seconds,
            seen.steps / seconds,
            seen.work / seconds / self._peak,
            seen.waited / seconds,
            1 - seen.here / max(seen.positions, 1),
            float(_memory(self._device)),
        )
        return dict(zip(FIGURES, values, strict=True))

    def _raise_peak(self, rate: float) -> None:
        """Training went faster than the peak: something else kept the devices busy then, so measure anew."""
        if self._ranks.any(rate > self._peak):
            matrix_peak.cache_clear()
            self._peak = max(self._peak, self._measured(), rate)

    def _measured(self) -> float:
        """Operations a second of all devices at once."""
        peak = torch.tensor(matrix_peak(self._device, self._precision), dtype=torch.float64)
        return float(self._ranks.total(peak.to(self._device)))


def _memory(device: torch.device) -> int:
    """Most bytes held at once: on the device, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
