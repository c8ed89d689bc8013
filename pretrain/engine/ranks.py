"""The processes of a job: how one joins them, and what they say to each other.

No other file reads RANK and its kin. Whoever starts several processes sets RANK, WORLD_SIZE, LOCAL_RANK,
MASTER_ADDR and MASTER_PORT; without them this process is alone and needs no launcher, no port and no file.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from corpora.errors import UsageError
from pretrain.launch.meeting import meet

TIMEOUT_MINUTES = 10.0


@dataclass(frozen=True)
class Member:
    """One process of the job, as the others know it."""

    number: int
    host: str
    pid: int
    device: str

    def __str__(self) -> str:
        """As messages name it."""
        return f"rank {self.number} ({self.host}, {self.device}, process {self.pid})"


@dataclass(frozen=True)
class Ranks:
    """The processes of this job, and which one this is."""

    number: int  # of this process, 0 for the one that writes
    world: int  # processes
    device: torch.device
    members: tuple[Member, ...] = ()
    timeout: timedelta = timedelta(minutes=TIMEOUT_MINUTES)

    @classmethod
    def join(cls, timeout: timedelta = timedelta(minutes=TIMEOUT_MINUTES)) -> "Ranks":
        """Enter the process group, and stay in it: DeepSpeed keeps groups of its own in module state.

        A collective that takes longer than `timeout` fails: a rank that died or hangs is noticed after it.
        (The first call in a process sets it.)

        Raises:
            UsageError: more processes than GPUs on this machine.
            MaskwrightError: the others did not come.
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
        device = torch.device("cuda", local) if gpu else torch.device("cpu")
        if gpu:
            torch.cuda.set_device(local)
        if not dist.is_initialized():
            _enter("nccl" if gpu else "gloo", timeout)
        number, world = dist.get_rank(), dist.get_world_size()
        members: list[Member] = [Member(number, socket.gethostname(), os.getpid(), str(device))] * world
        if world > 1:
            dist.all_gather_object(members, members[number])
        return cls(number, world, device, tuple(members), timeout)

    @property
    def me(self) -> str:
        """This process, as messages name it."""
        return str(self.members[self.number]) if self.members else f"rank {self.number}"

    def total(self, values: Tensor) -> Tensor:
        """The sum of `values` over all ranks."""
        dist.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether `flag` is set on any rank: so that all stop together."""
        return bool(self.total(torch.tensor(float(flag), device=self.device)))

    def largest(self, values: Tensor) -> Tensor:
        """The largest of each of `values` over all ranks."""
        dist.all_reduce(values, dist.ReduceOp.MAX)
        return values

    def share(self, value: str) -> str:
        """Rank 0's `value`, on every rank."""
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]


def _enter(backend: str, timeout: timedelta) -> None:
    """Form the process group, of this process alone where no launcher has named others."""
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        meet(backend, timeout)
    else:
        store = dist.HashStore()  # type: ignore[attr-defined]  # neither a port nor a file
        dist.init_process_group(backend, timeout=timeout, store=store, rank=0, world_size=1)
