"""Dropout masks that can be had again: several passes of a model that differ by something else alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from pretrain.adversarial.attack import Dropout


class Masks:
    """Which dropout masks a pass has; those of the first pass can be had again."""

    def __init__(self, model: Any, device: torch.device) -> None:  # noqa: ANN401 - a PreTrainedModel
        """Of passes on `device`."""
        self.device, self._model = device, model
        self._gpus = [device] if device.type == "cuda" else []
        self._first: list[Tensor] | None = None

    @contextmanager
    def of(self, dropout: Dropout) -> Iterator[None]:
        """Inside, passes have these masks; random numbers go on as if `same` and `off` had drawn none."""
        if dropout == "same" and self._first is not None:
            with torch.random.fork_rng(self._gpus):
                torch.set_rng_state(self._first[0])
                for gpu, state in zip(self._gpus, self._first[1:], strict=True):
                    torch.cuda.set_rng_state(state, gpu)
                yield
            return
        if self._first is None:
            self._first = [torch.get_rng_state(), *(torch.cuda.get_rng_state(gpu) for gpu in self._gpus)]
        training = self._model.training
        self._model.train(training and dropout != "off")
        try:
            yield
        finally:
            self._model.train(training)
