"""The processes of a job: how one joins them, and what they say to each other.

No other file reads RANK and its kin. Whoever starts several processes sets RANK, WORLD_SIZE, LOCAL_RANK,
MASTER_ADDR and MASTER_PORT; without them this process is alone and needs no launcher, no port and no file.
"""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from corpora.errors import MaskwrightError, UsageError

TIMEOUT_MINUTES = 10.0
MEETING = timedelta(minutes=10)

LOST = re.compile(
    r"connection (closed|reset)|timed out|timeout|broken pipe|connectFullMesh|remote process|NCCL|no route",
    re.IGNORECASE,
)
"""What gloo and NCCL say when another process is gone or silent."""


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

    def gone(self) -> bool:
        """Whether it is known to have ended; of another machine nothing is known."""
        if self.host != socket.gethostname():
            return False
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return Path("/proc/self/stat").exists()
        return state in "ZX"  # ended, and not yet waited for


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

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn the failure of a collective inside into one message.

        Raises:
            MaskwrightError: naming this rank, and those that are known to be gone.
        """
        try:
            yield
        except RuntimeError as error:
            if self.world == 1 or isinstance(error, torch.OutOfMemoryError) or not LOST.search(str(error)):
                raise
            raise MaskwrightError(self._lost(str(error))) from error

    def _lost(self, said: str) -> str:
        """Who misses whom, and what to do about it."""
        others = [member for member in self.members if member.number != self.number]
        gone = [member for member in others if member.gone()]
        if gone:
            whom = f"{', '.join(map(str, gone))} ended"
        else:
            minutes = self.timeout.total_seconds() / 60
            whom = (
                f"one of {', '.join(map(str, others))} ended, or was silent for {minutes:g} minutes "
                "(speed.timeout_minutes)"
            )
        return (
            f"{self.me} lost the others: {whom}. Look at what that rank said last; the "
            f"same command goes on from the newest checkpoint ({said.strip().splitlines()[0][:200]})"
        )


def _enter(backend: str, timeout: timedelta) -> None:
    """Form the process group, of this process alone where no launcher has named others."""
    if "RANK" not in os.environ or "WORLD_SIZE" not in os.environ:
        store = dist.HashStore()  # type: ignore[attr-defined]  # neither a port nor a file
        dist.init_process_group(backend, timeout=timeout, store=store, rank=0, world_size=1)
        return
    try:
        # Machines of a job may start minutes apart, however soon a silent rank is to be noticed later.
        store, rank, world = next(iter(rendezvous("env://", timeout=max(timeout, MEETING))))
        dist.init_process_group(backend, timeout=timeout, store=store, rank=rank, world_size=world)
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ.get('MASTER_ADDR', '?')}:{os.environ.get('MASTER_PORT', '?')}"
        raise MaskwrightError(
            f"rank {os.environ['RANK']} of {os.environ['WORLD_SIZE']} on {socket.gethostname()} did not meet "
            f"the others at {where}: are all of them started, and may they reach that address? "
            f"({str(error).strip().splitlines()[0][:200]})"
        ) from error
