"""Where the ranks of a job meet; a fault there is one message, not a traceback of torch's."""

import os
import socket
from datetime import timedelta

from corpora.errors import UsageError


def meet(backend: str, timeout: timedelta) -> None:
    """Enter the process group that RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT describe.

    Raises:
        UsageError: the port is taken, rank 0 cannot be reached, or not all ranks came in time.
    """
    import torch.distributed as dist

    try:
        dist.init_process_group(backend, timeout=timeout)
    except RuntimeError as error:
        if (message := _explained(str(error))) is None:
            raise
        raise UsageError(message) from error


def _explained(error: str) -> str | None:
    """The usual faults, in words that a user can act on."""
    host, rank, world = socket.gethostname(), os.environ["RANK"], os.environ["WORLD_SIZE"]
    place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
    if "EADDRINUSE" in error:
        return (
            f"port {os.environ.get('MASTER_PORT')} of {host} is taken by another program: set MASTER_PORT to "
            "a free one, the same for all ranks"
        )
    if "clients joined" in error:
        came = error.partition("for clients. ")[2].partition(" clients")[0]
        return (
            f"not all ranks came to {place} ({came or f'of {world}'} did): were all of them started? In a "
            "job of Slurm each is a task: `srun python -m pretrain.run ...`, not without `srun`"
        )
    if "connectFullMesh" in error:  # of gloo, which takes the address that a host's own name leads to
        return (
            f"rank {rank} on {host} and another one do not reach each other: set GLOO_SOCKET_IFNAME to the "
            "name of the network interface between the hosts (`ip address` lists them)"
        )
    if "client socket" in error:
        return (
            f"rank {rank} on {host} cannot reach rank 0 at {place}: does it run, and may hosts connect to "
            "that port? MASTER_ADDR and MASTER_PORT name another place"
        )
    return None
