"""Several processes on one machine: a thin parent starts the ranks, forwards signals, and returns their code.

DeepSpeed's own launcher swallows signals and exit codes; a run that saves on a signal needs both.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpora.errors import MaskwrightError
from pretrain.launch.children import Child, end, held_back, wait
from pretrain.launch.environment import LAUNCHED
from pretrain.launch.signals import StopRequest


@dataclass(frozen=True)
class Share:
    """The ranks of one host: `first`, `first + 1`, ..., of `world` on all hosts."""

    first: int
    count: int
    world: int
    address: str  # of the host of rank 0
    port: int


def command(recipe: Path, runs: Path, stage: str) -> list[str]:
    """The words that run one stage of a recipe."""
    return [sys.executable, "-m", "pretrain.run", str(recipe), "--runs", str(runs), "--only", stage]


def start_ranks(words: Sequence[str], count: int, stop: StopRequest) -> None:
    """Run a command in `count` processes of this machine; return when all are done.

    Raises:
        Interrupted: a signal came, and the ranks have saved.
        MaskwrightError: a rank failed (with its exit code; it has said why on the standard error).
    """
    start_share(words, Share(0, count, count, "127.0.0.1", free_port()), stop)


def start_share(words: Sequence[str], share: Share, stop: StopRequest) -> None:
    """Run a command in this host's share of all ranks; as `start_ranks`."""
    ranks: list[Child] = []
    try:
        for local in range(share.count):
            # A session of their own, so that Ctrl-C reaches the parent alone and is handed on once; a pipe,
            # see `end_with_parent`.
            with held_back():
                process = subprocess.Popen(
                    words, env=_environment(local, share), start_new_session=True, stdin=subprocess.PIPE
                )
            ranks.append(Child(process, partial(_failure, share.first + local, local)))
        wait(ranks, stop)
    finally:
        end(ranks)


def end_with_parent() -> None:
    """Let this rank end at once when its parent is gone, killed say: the next run takes over its locks.

    The parent holds the other end of the standard input and never writes: the read returns when it ends.
    """

    def watch() -> None:
        os.read(0, 1)  # not `sys.stdin`, whose lock would be held while the interpreter ends
        os._exit(MaskwrightError.exit_code)

    threading.Thread(target=watch, daemon=True).start()


def free_port(address: str = "127.0.0.1", port: int = 0) -> int:
    """That port, or any one, if nothing listens on it.

    Raises:
        OSError: something does.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # an ended job's port will do
        listener.bind((address, port))
        return int(listener.getsockname()[1])


def where(local: int) -> str:
    """Host and device of one of this host's ranks."""
    import torch

    device = f"cuda:{local}" if local < torch.cuda.device_count() else "cpu"
    return f"{socket.gethostname()}, {device}"


def _failure(number: int, local: int, code: int) -> str:
    """What to say of a rank's exit code, negative for a signal."""
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return f"rank {number} ({where(local)}) {how}; the other ranks were stopped. The same command goes on"


def _environment(local: int, share: Share) -> Mapping[str, str]:
    cores = max(1, (os.cpu_count() or 1) // share.count)
    ours: dict[str, str | int] = {
        "RANK": share.first + local,
        "LOCAL_RANK": local,
        "WORLD_SIZE": share.world,
        "LOCAL_WORLD_SIZE": share.count,
        "MASTER_ADDR": share.address,
        "MASTER_PORT": share.port,
        LAUNCHED: 1,
    }
    threads = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": cores}
    return {**os.environ, **{key: str(value) for key, value in {**ours, **threads}.items()}}
