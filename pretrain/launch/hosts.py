"""Ranks on several hosts: a parent on each, started through ssh, told what to do in one line of JSON.

A parent on another host hears of signals by further lines, and of the end of the connection by the end of its
standard input; its exit code comes back as that of ssh. Code and runs are on a disk that all hosts share.
"""

import json
import os
import random
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Any

import xxhash

from corpora.errors import UsageError
from pretrain.launch.children import Child, end, wait
from pretrain.launch.hostfile import Host
from pretrain.launch.ranks import Share, free_port
from pretrain.launch.signals import StopRequest

SSH = (
    "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"  # seconds; three unanswered: broken
)
HANDED_ON = ("CUDA_", "GLOO_", "HF_", "NCCL_", "OMP_", "TOKENIZERS_", "TORCH_", "UCX_")  # of the environment
PORTS = range(20_000, 30_000)
NO_FOLDER, NO_PROGRAM, BROKEN = 91, (126, 127), 255  # exit codes of the remote shell, and of ssh
ROOT = Path(__file__).parents[2]  # of the program's packages


@dataclass(frozen=True)
class Fleet:
    """The hosts of a job, and the command that reaches one."""

    hosts: Sequence[Host]
    ssh: Sequence[str]  # the host and one word for its shell are put behind it

    @property
    def world(self) -> int:
        """Ranks on all hosts."""
        return sum(host.slots for host in self.hosts)


@dataclass(frozen=True)
class Order:
    """What the parent of one host's ranks is told."""

    sender: str  # host
    program: str  # its digest
    words: Sequence[str]  # of every rank
    share: Share
    environment: Mapping[str, str]
    sees: str  # a file on the shared disk

    def line(self) -> bytes:
        """As one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> "Order":
        """The inverse."""
        values: dict[str, Any] = json.loads(line)
        return cls(**values | {"share": Share(**values["share"])})


def start_fleet(words: Sequence[str], fleet: Fleet, sees: Path, stop: StopRequest) -> None:
    """Run a command in as many processes of each host as it has slots; return when all are done.

    `sees` is a file that every host has to see under the same path.

    Raises:
        Interrupted: a signal came, and the ranks have saved.
        UsageError: a host cannot be reached or used; nothing was started.
        MaskwrightError: a connection broke, or a rank failed.
    """
    orders = list(_orders(words, fleet, sees.absolute()))
    _check(orders, fleet.ssh)
    children: list[Child] = []
    try:
        for host, order in orders:
            child = Child(_start(host, fleet.ssh), partial(_failure, host.name), by_line=True)
            children.append(child)
            child.write(order.line())
        wait(children, stop)
    finally:
        end(children)


def _check(orders: Sequence[tuple[Host, Order]], ssh: Sequence[str]) -> None:
    """Ask every host whether it could do its part, all at once."""
    asked = [(host, order, _start(host, ssh, "--check")) for host, order in orders]
    codes = [
        (host.name, process.communicate(order.line()) and process.returncode)
        for host, order, process in asked
    ]
    if wrong := [_unfit(host, code) for host, code in codes if code]:
        raise UsageError("\n".join(wrong))


def program() -> str:
    """Digest of the program's own files, and the version of torch: what all hosts have to have alike."""
    digest = xxhash.xxh3_64()
    for path in sorted(path for name in ("corpora", "tokenization", "pretrain") for path in _sources(name)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return f"{digest.hexdigest()}, torch {version('torch')}"


def _sources(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


def _orders(words: Sequence[str], fleet: Fleet, sees: Path) -> Iterator[tuple[Host, Order]]:
    """Each host with its share of the ranks."""
    here, ours = socket.gethostname(), program()
    handed_on = {name: value for name, value in os.environ.items() if name.startswith(HANDED_ON)}
    address = os.environ.get("MASTER_ADDR", fleet.hosts[0].name)
    port = int(os.environ.get("MASTER_PORT", 0)) or _port(fleet)
    firsts = accumulate((host.slots for host in fleet.hosts), initial=0)
    for host, first in zip(fleet.hosts, firsts, strict=False):
        share = Share(first, host.slots, fleet.world, address, port)
        yield host, Order(here, ours, words, share, handed_on, str(sees))


def _port(fleet: Fleet) -> int:
    """A port of the first host; whether it is free is found out there."""
    return free_port() if _is_here(fleet.hosts[0].name) else random.SystemRandom().choice(PORTS)


def _is_here(name: str) -> bool:
    return name in ("localhost", "127.0.0.1", socket.gethostname())


def _start(host: Host, ssh: Sequence[str], *options: str) -> "subprocess.Popen[bytes]":
    """The parent on a host; on this one without ssh."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    python = ["env", f"PYTHONPATH={path}", sys.executable, "-m", "pretrain.launch.node", *options]
    remote = f"cd {shlex.quote(os.getcwd())} || exit {NO_FOLDER}; exec {shlex.join(python)}"
    words = ["sh", "-c", remote] if _is_here(host.name) else [*ssh, host.name, remote]
    # A session of its own: Ctrl-C is handed on by us, once.
    return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)


def _unfit(host: str, code: int) -> str:
    """What to say of a host that cannot do its part."""
    shared = "the program and the runs have to be on a disk that all hosts share, under one path"
    if code == NO_FOLDER:
        return f"{host} has no folder {os.getcwd()}: {shared}"
    if code in NO_PROGRAM:
        return f"{host} cannot run {sys.executable} (code {code}): {shared}"
    if code == BROKEN:
        return (
            f"{host} cannot be reached: is `ssh {host}` possible without a password? --ssh names another way"
        )
    return f"{host} cannot take part (code {code}), for the reason above"


def _failure(host: str, code: int) -> str:
    """What to say of the exit code of a host's parent, or of ssh."""
    stopped = "the ranks of the other hosts were stopped. The same command goes on"
    if code == BROKEN:
        return f"the connection to {host} broke; {stopped}"
    if code < 0:
        return f"what led to {host} was ended by {signal.Signals(-code).name}; {stopped}"
    return f"the ranks of {host} ended with code {code}, for the reason above; {stopped}"
