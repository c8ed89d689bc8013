"""The engine: DeepSpeed behind a few plain methods. No other file imports it.

One process or many, CPU (gloo) or GPU (NCCL), ZeRO 0 to 3: the training step above looks the same. Weights
and moments are float32 under every precision: bf16 and fp16 are what the network computes in (autocast),
never what is stored, so that nothing is lost between a weight and its checkpoint.
"""

import contextlib
import importlib
import io
import json
import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor

from corpora.stage import JSON
from pretrain.batch import Batch
from pretrain.engine import moments
from pretrain.engine.loss_scale import LossScale
from pretrain.engine.ranks import Ranks
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.networks.perturbing import Shift
from pretrain.objectives.terms import Outputs
from pretrain.optimizers import set_rate

__all__ = ["Engine", "Ranks", "Setup", "Snapshot"]

DeepSpeed: TypeAlias = Any  # has no types


@dataclass(frozen=True)
class Setup:
    """What an engine finds out while it runs, and a resume must know."""

    rows: int  # of a micro-batch, at most
    world: int  # for which that was found
    scaling: LossScale | None  # None: gradients need no scale

    @classmethod
    def read(cls, path: Path) -> "Setup":
        """Back from JSON; older checkpoints have none, and nothing was found out for no ranks."""
        if not path.exists():
            return cls(1, 0, None)
        values = json.loads(path.read_text("utf-8"))
        scaling = values["scaling"]
        return cls(values["rows"], values["world"], LossScale(**scaling) if scaling else None)


@dataclass(frozen=True)
class Snapshot:
    """A moment of training, copied to the CPU: later steps do not change it."""

    setup: Setup
    weights: Mapping[str, Tensor]  # whole, by name; on rank 0 alone
    moments: Mapping[str, Tensor] | None  # this rank's slices; None where rank 0 has them all
    files: Sequence[str]  # where the moments go, by rank
    whose: Mapping[str, str]  # the head of those files


class Engine:
    """A network and its optimizer, replicated or sharded over all ranks."""

    def __init__(
        self,
        ranks: Ranks,
        network: Network | PairNetwork,
        optimizer: torch.optim.Optimizer,
        config: Mapping[str, JSON],
        clip: float,
        scaling: LossScale | None = None,
    ) -> None:
        """Hand both to DeepSpeed.

        `clip` bounds the gradient's global norm; 0: no bound. `scaling` is the loss scale to begin with,
        None where the gradient needs none.
        """
        self.ranks, self.config, self.scaling = ranks, config, scaling
        self.rows = 1  # of a micro-batch, at most: known once memory was looked at
        self.network = network.to(ranks.device)
        self.names = {parameter: name for name, parameter in network.model.named_parameters()}
        self._deepspeed = _initialize(self.network, optimizer, config)
        self._base, self._clip = optimizer, clip
        self._zero = int(self._deepspeed.zero_optimization_stage())
        self._unheard = torch.zeros((), device=ranks.device)  # losses of this window that are no numbers
        self.redoes = self._zero == 0  # a window may be dropped half-way: nothing of it went round the ranks
        self.agrees_on_memory = False  # all ranks drop a window for which one of them lacks memory
        self._opened = False  # a pass was made that is still to be differentiated
        self._told = self._met = False  # in this window: the ranks have agreed, and have memory enough
        self.overflowed = False  # the last update was dropped for a gradient too large for its loss scale
        if self._zero == 0:
            self._deepspeed.enable_backward_allreduce = False  # `update` asks for it

    @property
    def loss_scale(self) -> float:
        """What the loss is multiplied by in the backward pass; 1 where no gradient needs it."""
        return self.scaling.scale if self.scaling else 1.0

    def __call__(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """The network's forward pass, its embeddings shifted perhaps; `backward` may take several at once."""
        if not torch.is_grad_enabled():
            return cast(Outputs, self._deepspeed(batch, shift))
        if self._opened:  # each of DeepSpeed's own would announce the backward pass once more
            return self.aside(batch, shift)
        self._opened = True
        return cast(Outputs, self._deepspeed(batch, shift))

    def aside(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """A forward pass that `backward` is not to know of: whoever asks may differentiate it by inputs."""
        return cast(Outputs, self.network(batch, shift))

    def backward(self, loss: Tensor, last: bool) -> None:
        """Add this micro-batch's gradient; with the `last` one of a window the sum goes round the ranks.

        The loss is divided by its window-wide denominator already; DeepSpeed averages
        over ranks, hence the factor.
        """
        self._opened, factor = False, float(self.ranks.world)
        if self.scaling:
            self._unheard += ~loss.detach().isfinite()
            if self._zero:
                self._deepspeed.optimizer.override_loss_scale(self.scaling.scale)  # multiplies, divides
            else:
                factor *= self.scaling.scale
        self._deepspeed.set_gradient_accumulation_boundary(last)
        self._deepspeed.backward(loss * factor, scale_wrt_gas=False)

    def update(self, learning_rate: float) -> float:
        """Clip and apply the summed gradient; its global norm. If that is not finite, nothing was applied.

        Raises:
            Diverged: fp16's loss scale cannot be lowered any more.
            OutOfMemoryError: another rank ran out of memory in this window.
        """
        self._agree_on_memory()
        set_rate(self._base, learning_rate)
        norm = self._apply_sharded() if self._zero else self._apply()
        self._told = self._met = False
        if self.scaling:
            self.scaling = self._rescaled(self.scaling, math.isfinite(norm))
        return norm

    def _apply_sharded(self) -> float:
        """DeepSpeed clips, and refuses a norm that is not finite, by itself."""
        self._deepspeed.step()
        return float(self._deepspeed.get_global_grad_norm())

    def _apply(self) -> float:
        """Gradients meet, are looked at, and applied if they are numbers."""
        if self.ranks.world > 1:
            self._deepspeed.allreduce_gradients()
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        if self.scaling:
            torch._foreach_mul_(gradients, 1 / self.scaling.scale)
        norm = torch.nn.utils.get_total_norm(gradients)
        if math.isfinite(norm):
            if self._clip:
                torch.nn.utils.clip_grads_with_norm_(self.network.parameters(), self._clip, norm)
            self._deepspeed.step()
        else:
            self._deepspeed.zero_grad()
        return float(norm)

    def _rescaled(self, scaling: LossScale, applied: bool) -> LossScale:
        """The loss scale for the next window; a loss that is no number is no matter of scale."""
        unheard, self._unheard = self._unheard, torch.zeros_like(self._unheard)
        self.overflowed = not applied and not self.ranks.any(bool(unheard))
        if applied:
            return scaling.after_update()
        return scaling.after_overflow() if self.overflowed else scaling

    def drop_window(self) -> bool:
        """Forget a window for which memory ran out, on all ranks together; False where it is too late."""
        if not self.redoes or self._met:
            return False
        if self.agrees_on_memory and not self._told:
            self.ranks.total(torch.tensor([0.0, 1.0], device=self.ranks.device))
        self._told = self._opened = False
        self._deepspeed.zero_grad()
        self._unheard.zero_()
        return True

    def _agree_on_memory(self) -> None:
        """Go on to the collectives of this window only if no rank has dropped it."""
        if self.agrees_on_memory:
            self.anywhere(torch.zeros((), device=self.ranks.device))
            self._met = True

    def anywhere(self, flag: Tensor) -> Tensor:
        """Whether a flag, a scalar on this rank's device, is set on any rank. All ranks must ask.

        Raises:
            OutOfMemoryError: another rank has dropped this window, for want of memory.
        """
        told = torch.stack([flag.float(), torch.zeros_like(flag, dtype=torch.float32)])
        self.ranks.total(told)
        if self.agrees_on_memory and told[1]:
            self._told = True  # by that rank; there is no need to answer
            raise torch.OutOfMemoryError("another rank ran out of memory")
        return told[0] > 0

    def weights(self) -> dict[str, Tensor]:
        """The model's state by name, copied to the CPU: on rank 0 alone. All ranks must call it."""
        state, copies = self.network.model.state_dict(keep_vars=True), dict[Tensor, Tensor]()
        for tensor in dict.fromkeys(state.values()):  # tied ones once
            with self._gathered(tensor):  # one by one: all of them may not fit a GPU
                if self.ranks.number == 0:
                    copies[tensor] = tensor.detach().to("cpu", copy=True)
        return {name: copies[tensor] for name, tensor in state.items() if tensor in copies}

    def snapshot(self) -> Snapshot:
        """All that a resume needs of this rank, copied to the CPU. All ranks must call it."""
        writers = self.ranks.world if self._zero else 1
        writes = self.ranks.number < writers
        return Snapshot(
            setup=Setup(self.rows, self.ranks.world, self.scaling),
            weights=self.weights(),
            moments=moments.collect(self._base, self._slices()) if writes else None,
            files=[moments.file_name(writer, writers) for writer in range(writers)],
            whose=moments.metadata(self._base),
        )

    def load(self, folder: Path) -> None:
        """Take up the moments of a checkpoint; the weights are already those of that step.

        Raises:
            UsageError: they are those of another optimizer.
            CorruptArtefact: some are missing.
        """
        moments.restore(folder, self._base, self._slices())

    def _slices(self) -> list[moments.Slice]:
        """What this rank's optimizer updates."""
        return moments.slices(self.names, self._deepspeed.optimizer, self._zero, self.ranks.number)

    def _gathered(self, parameter: Tensor) -> contextlib.AbstractContextManager[None]:
        """Inside, a parameter is whole on every rank (ZeRO 3 keeps it in pieces)."""
        if self._zero < 3 or not isinstance(parameter, torch.nn.Parameter):
            return contextlib.nullcontext()
        import deepspeed

        return cast(contextlib.AbstractContextManager[None], deepspeed.zero.GatheredParameters([parameter]))


def _initialize(
    network: Network | PairNetwork, optimizer: torch.optim.Optimizer, config: Mapping[str, JSON]
) -> DeepSpeed:
    """DeepSpeed's engine, without its notes on start-up, and without the one operation that it would compile.

    That one adds up across processes in inference alone. Its build is guarded by a file that a killed process
    leaves behind, for which every later run would wait without end.
    """
    # DeepSpeed 0.19 calls collectives by names that torch 2.13 deprecates: nothing that a user can mend.
    warnings.filterwarnings("ignore", r"`torch\.distributed", FutureWarning)
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        import deepspeed

        # By its name: the attribute `torch` of deepspeed.comm is torch itself.
        backend: Any = importlib.import_module("deepspeed.comm.torch")
        backend.build_shm_op = lambda: None
        with contextlib.redirect_stdout(io.StringIO()):
            return deepspeed.initialize(
                model=network, optimizer=optimizer, config=dict(config), dist_init_required=False
            )[0]
    finally:
        logging.disable(disabled)
