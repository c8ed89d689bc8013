"""Several processes on one machine: a thin parent starts the ranks, forwards signals, and returns their code.

DeepSpeed's own launcher swallows signals and exit codes; a run that saves on a signal needs both. Where
torchrun or another launcher has set RANK and WORLD_SIZE, the program is a rank and starts nothing.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from corpora.errors import Interrupted, MaskwrightError
from pretrain.signals import StopRequest

LAUNCHED = "MASKWRIGHT_LAUNCHED"  # set for the ranks that a parent of ours started: it holds their locks
GRACE_SECONDS = 60.0  # between asking the other ranks to stop and ending them
POLL_SECONDS = 0.1


def rank() -> int:
    """This process's number in its job; 0 when it is alone."""
    return int(os.environ.get("RANK", "0"))


def launched() -> bool:
    """Whether a parent of ours started this process as a rank."""
    return LAUNCHED in os.environ


def processes_for(asked: int | None) -> int:
    """How many ranks to start: as many as asked, else one a GPU, else one; 1 where this is a rank."""
    if "WORLD_SIZE" in os.environ:
        return 1
    if asked is not None:
        return asked
    import torch

    return max(1, torch.cuda.device_count())


def command(recipe: Path, runs: Path, stage: str) -> list[str]:
    """The words that run one stage of a recipe."""
    return [sys.executable, "-m", "pretrain.run", str(recipe), "--runs", str(runs), "--only", stage]


def start_ranks(words: Sequence[str], count: int, stop: StopRequest) -> None:
    """Run a command in `count` processes; return when all are done.

    Raises:
        Interrupted: a signal came, and the ranks have saved.
        MaskwrightError: a rank failed (with its exit code; it has said why on the standard error).
    """
    port, ranks = _free_port(), list["subprocess.Popen[bytes]"]()
    try:
        for number in range(count):
            # A session of their own, so that Ctrl-C reaches the parent alone and is handed on once.
            environment = _environment(number, count, port)
            pipe = subprocess.PIPE  # see end_with_parent
            ranks.append(subprocess.Popen(words, env=environment, start_new_session=True, stdin=pipe))
        _wait(ranks, stop)
    finally:
        _end(ranks)


def end_with_parent() -> None:
    """Let this rank end at once when its parent is gone, killed say: the next run takes over its locks.

    The parent holds the other end of the standard input and never writes: the read returns when it ends.
    """

    def watch() -> None:
        os.read(0, 1)  # not `sys.stdin`, whose lock would be held while the interpreter ends
        os._exit(MaskwrightError.exit_code)

    threading.Thread(target=watch, daemon=True).start()


def _environment(number: int, count: int, port: int) -> Mapping[str, str]:
    cores = max(1, (os.cpu_count() or 1) // count)
    ours: dict[str, str | int] = {
        "RANK": number,
        "LOCAL_RANK": number,
        "WORLD_SIZE": count,
        "LOCAL_WORLD_SIZE": count,
    }
    ours |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, LAUNCHED: 1}
    threads = {} if "OMP_NUM_THREADS" in os.environ else {"OMP_NUM_THREADS": cores}
    return {**os.environ, **{key: str(value) for key, value in {**ours, **threads}.items()}}


def _wait(ranks: Sequence["subprocess.Popen[bytes]"], stop: StopRequest) -> None:
    """Until all ranks have ended well; the first that has not ends the wait."""
    told = False
    while None in [process.poll() for process in ranks]:
        if stop and not told:
            told = True
            for process in ranks:
                process.send_signal(signal.SIGTERM)
        for number, process in enumerate(ranks):
            if process.returncode not in (None, 0, Interrupted.exit_code):
                raise _failure(number, process.returncode)
        time.sleep(POLL_SECONDS)
    codes = [process.returncode for process in ranks]
    for number, code in enumerate(codes):
        if code not in (0, Interrupted.exit_code):
            raise _failure(number, code)
    if Interrupted.exit_code in codes:
        raise Interrupted(f"stopped by {stop.name or 'a signal to a rank'}: saved, the same command goes on")


def _failure(number: int, code: int) -> MaskwrightError:
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    error = MaskwrightError(f"rank {number} {how}; the other ranks were stopped. The same command goes on")
    error.exit_code = code if code > 0 else MaskwrightError.exit_code
    return error


def _end(ranks: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Let no rank live on: ask, wait, then kill."""
    alive = [process for process in ranks if process.poll() is None]
    for process in alive:
        process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for process in alive:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for process in ranks:
        if process.stdin:
            process.stdin.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
