"""Which process of a job this is: what launchers say in the environment, checked once at the start.

torchrun and DeepSpeed's launcher set RANK, WORLD_SIZE and their kin; so do our own parents (see `ranks`). For
a task of srun they are made from SLURM_*. In all three cases the process is a rank, and starts nothing.
"""

import os
import socket
from collections.abc import Mapping

from corpora.errors import UsageError
from pretrain.launch import slurm

LAUNCHED = "MASKWRIGHT_LAUNCHED"  # set for the ranks that a parent of ours started: it holds their locks


def settle() -> None:
    """Let RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT be set where this process is a rank.

    Raises:
        UsageError: only some of them are, they contradict each other, or rank 0's host is not known here.
    """
    os.environ.update(settled(os.environ))


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """What to add to an environment, so that it says which rank this is.

    Raises:
        UsageError: see `settle`.
    """
    added = {} if "RANK" in environment or "WORLD_SIZE" in environment else slurm.ranks(environment)
    whole = {**environment, **added}
    if "RANK" not in whole and "WORLD_SIZE" not in whole:
        return {}
    number, world = _number(whole, "RANK"), _number(whole, "WORLD_SIZE")
    if number >= world:
        raise UsageError(f"RANK is {number}, but WORLD_SIZE is {world}: ranks count from 0")
    if world > 1:
        _check_meeting_place(whole, bool(added))
    return added


def rank() -> int:
    """This process's number in its job; 0 when it is alone."""
    return int(os.environ.get("RANK", "0"))


def is_rank() -> bool:
    """Whether a launcher, ours or another, started this process as one of several."""
    return "WORLD_SIZE" in os.environ


def launched() -> bool:
    """Whether a parent of ours started this process as a rank."""
    return LAUNCHED in os.environ


def processes_for(asked: int | None) -> int:
    """How many ranks to start: as many as asked, else one a GPU, else one; 1 where this is a rank."""
    if is_rank():
        return 1
    if asked is not None:
        return asked
    import torch

    return max(1, torch.cuda.device_count())


def job() -> tuple[str, int]:
    """Name of the scheduler's job that this process is of, "" if none, and how often it was restarted."""
    return slurm.job(os.environ)


def _number(environment: Mapping[str, str], name: str) -> int:
    if name not in environment:
        other = "WORLD_SIZE" if name == "RANK" else "RANK"
        raise UsageError(
            f"{other} is set in the environment ({environment[other]}) and {name} is not: a launcher such as "
            f"torchrun sets both. Unset {other} to run alone"
        )
    if not environment[name].isdecimal():
        raise UsageError(f"{name} in the environment is {environment[name]!r}, a whole number is needed")
    return int(environment[name])


def _check_meeting_place(environment: Mapping[str, str], from_slurm: bool) -> None:
    """Ranks meet at MASTER_ADDR:MASTER_PORT; torch would try an unknown name for ten minutes."""
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if name not in environment:
            raise UsageError(
                f"RANK and WORLD_SIZE are set in the environment and {name} is not: a launcher such as "
                "torchrun sets them all. Unset both to run alone"
            )
    host, port = environment["MASTER_ADDR"], _number(environment, "MASTER_PORT")
    if not 0 < port < 65536:
        raise UsageError(f"MASTER_PORT is {port}, which is no port: give one from 1024 to 65535")
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        origin = "the first node of SLURM_JOB_NODELIST" if from_slurm else "MASTER_ADDR"
        raise UsageError(
            f"{socket.gethostname()} knows no host '{host}' ({error.strerror}), {origin}: "
            "set MASTER_ADDR to a name or address of rank 0's host that all hosts know"
        ) from error
