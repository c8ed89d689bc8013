"""The engine: DeepSpeed behind a few plain methods. No other file imports it, or reads RANK and its kin.

One process or many, CPU (gloo) or GPU (NCCL), ZeRO 0 to 3: the training step above looks the same. Whoever
starts several processes sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT; without them this
process is alone and needs no launcher, no port and no file.
"""

import contextlib
import io
import logging
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import torch
import torch.distributed as dist
from torch import Tensor

from corpora.errors import UsageError
from corpora.stage import JSON
from pretrain import tensors
from pretrain.batch import Batch
from pretrain.launch.meeting import meet
from pretrain.networks import Network
from pretrain.objectives.terms import Outputs

DeepSpeed: TypeAlias = Any  # has no types

TIMEOUT = timedelta(minutes=10)  # of one collective: a dead rank is noticed after this


@dataclass(frozen=True)
class Ranks:
    """The processes of this job, and which one this is."""

    number: int  # of this process, 0 for the one that writes
    world: int  # processes
    device: torch.device

    @classmethod
    def join(cls) -> "Ranks":
        """Enter the process group, and stay in it: DeepSpeed keeps groups of its own in module state.

        Raises:
            UsageError: more processes than GPUs on this machine.
        """
        local = int(os.environ.setdefault("LOCAL_RANK", "0"))  # set for DeepSpeed, which insists
        gpu = torch.cuda.is_available()
        # All of them look, not only those too many: the others would wait for these.
        here = max(local + 1, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
        if gpu and here > (have := torch.cuda.device_count()):
            raise UsageError(
                f"{here} processes on a machine with {have} GPUs: each needs one of its own; "
                f"set speed.processes to {have} or less, or leave it out"
            )
        if not dist.is_initialized():
            backend = "nccl" if gpu else "gloo"
            if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
                meet(backend, TIMEOUT)
            else:
                store = dist.HashStore()  # type: ignore[attr-defined]  # neither a port nor a file
                dist.init_process_group(backend, timeout=TIMEOUT, store=store, rank=0, world_size=1)
        if gpu:
            torch.cuda.set_device(local)
        device = torch.device("cuda", local) if gpu else torch.device("cpu")
        return cls(dist.get_rank(), dist.get_world_size(), device)

    def total(self, values: Tensor) -> Tensor:
        """The sum of `values` over all ranks."""
        dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether `flag` is set on any rank: so that all stop together."""
        return bool(self.total(torch.tensor(float(flag), device=self.device)))

    def share(self, value: str) -> str:
        """Rank 0's `value`, on every rank."""
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def wait(self) -> None:
        """Go on once all are here."""
        dist.barrier()


class Engine:
    """A network and its optimizer, replicated or sharded over all ranks."""

    def __init__(
        self,
        ranks: Ranks,
        network: Network,
        optimizer: torch.optim.Optimizer,
        config: Mapping[str, JSON],
        clip: float,
    ) -> None:
        """Hand both to DeepSpeed. `clip` bounds the gradient's global norm; 0: no bound."""
        self.ranks, self.config = ranks, config
        self.network = network.to(ranks.device)
        self.names = {parameter: name for name, parameter in network.model.named_parameters()}
        self._deepspeed = _initialize(self.network, optimizer, config)
        self._base, self._clip = optimizer, clip
        self._zero = int(self._deepspeed.zero_optimization_stage())
        if ranks.world == 1 and self._zero == 0:
            self._deepspeed.enable_backward_allreduce = False  # alone, it would only copy the gradient about

    def __call__(self, batch: Batch) -> Outputs:
        """The network's forward pass."""
        return cast(Outputs, self._deepspeed(batch))

    def backward(self, loss: Tensor, last: bool) -> None:
        """Add this micro-batch's gradient; with the `last` one of a window the sum goes round the ranks.

        The loss is divided by its window-wide denominator already; DeepSpeed averages
        over ranks, hence the factor.
        """
        self._deepspeed.set_gradient_accumulation_boundary(last)
        self._deepspeed.backward(loss * self.ranks.world, scale_wrt_gas=False)

    def update(self, learning_rate: float) -> float:
        """Clip and apply the summed gradient; its global norm. If that is not finite, nothing was applied."""
        for group in self._base.param_groups:
            group["lr"] = learning_rate
        if self._zero:  # DeepSpeed clips, and refuses a norm that is not finite, by itself
            self._deepspeed.step()
            return float(self._deepspeed.get_global_grad_norm())
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if math.isfinite(norm):
            if self._clip:
                torch.nn.utils.clip_grads_with_norm_(self.network.parameters(), self._clip, norm)
            self._deepspeed.step()
        else:
            self._deepspeed.zero_grad()
        return float(norm)

    def weights(self) -> dict[str, Tensor]:
        """The model's state, whole, by name, on the CPU. All ranks must call it."""
        with self._gathered():
            state = self.network.model.state_dict()
            return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def save(self, folder: Path) -> None:
        """Write the optimizer's moments: by parameter name, or this rank's partitions under ZeRO."""
        if self._zero or self.ranks.number == 0:
            moments = {
                f"{owner}/{name}": value
                for owner, parameter in self._owned().items()
                for name, value in self._base.state[parameter].items()
            }
            tensors.save(moments, folder / self._file())

    def load(self, folder: Path) -> None:
        """Take up the moments that `save` wrote; the weights are already those of that step.

        Raises:
            UsageError: they were written by another number of processes, or under another ZeRO stage.
        """
        from safetensors.torch import load_file

        path = folder / self._file()
        if not path.exists():
            have = ", ".join(sorted(p.name for p in folder.glob("optimizer*")))
            raise UsageError(
                f"{folder} holds {have}; this run, of {self.ranks.world} processes, needs {path.name}: "
                "go on with the zero stage and the number of processes it was saved with"
            )
        moments = load_file(path, device=str(self.ranks.device))
        for owner, parameter in self._owned().items():
            prefix = f"{owner}/"
            self._base.state[parameter] = {
                key.removeprefix(prefix): value for key, value in moments.items() if key.startswith(prefix)
            }

    def _owned(self) -> dict[str, Tensor]:
        """What the optimizer updates on this rank: named parameters, or flat partitions of ZeRO's groups."""
        if self._zero == 0:
            return {name: parameter for parameter, name in self.names.items()}
        sharded = self._deepspeed.optimizer
        flat = (
            sharded.single_partition_of_fp32_groups
            if self._zero < 3
            else sharded.fp32_partitioned_groups_flat
        )
        return {f"partition-{number}": partition for number, partition in enumerate(flat)}

    def _file(self) -> str:
        """The moments' file name says who can read it."""
        if self._zero == 0:
            return "optimizer.safetensors"
        return f"optimizer-zero{self._zero}-rank-{self.ranks.number}-of-{self.ranks.world}.safetensors"

    def _gathered(self) -> contextlib.AbstractContextManager[None]:
        """Inside, every parameter is whole on every rank (ZeRO 3 keeps them in pieces)."""
        if self._zero < 3:
            return contextlib.nullcontext()
        import deepspeed

        return cast(
            contextlib.AbstractContextManager[None],
            deepspeed.zero.GatheredParameters(list(self.network.parameters())),
        )


def _initialize(network: Network, optimizer: torch.optim.Optimizer, config: Mapping[str, JSON]) -> DeepSpeed:
    """DeepSpeed's engine, without its notes on start-up: on its launcher, on compiling its operation."""
    # DeepSpeed 0.19 calls collectives by names that torch 2.13 deprecates: nothing that a user can mend.
    warnings.filterwarnings("ignore", r"`torch\.distributed", FutureWarning)
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        import deepspeed

        with contextlib.redirect_stdout(io.StringIO()):
            return deepspeed.initialize(
                model=network, optimizer=optimizer, config=dict(config), dist_init_required=False
            )[0]
    finally:
        logging.disable(disabled)
