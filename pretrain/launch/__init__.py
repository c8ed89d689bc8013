"""How a job starts and stops: alone, as the parent of ranks on this machine or on several, or as a rank.

Where torchrun, srun or another launcher started several processes, each of them is a rank (`environment`).
Otherwise a parent of ours starts the ranks: those of this machine itself (`ranks`), those of other hosts
through a parent there (`hosts`, `node`). It forwards signals, waits, and returns the ranks' exit code.
"""

from pretrain.launch.children import LOST
from pretrain.launch.environment import is_rank, job, launched, processes_for, rank, settle
from pretrain.launch.hostfile import Host, read
from pretrain.launch.hosts import SSH, Fleet, start_fleet
from pretrain.launch.leaving import leave
from pretrain.launch.ranks import command, end_with_parent, start_ranks

__all__ = [
    "LOST",
    "SSH",
    "Fleet",
    "Host",
    "command",
    "end_with_parent",
    "is_rank",
    "job",
    "launched",
    "leave",
    "processes_for",
    "rank",
    "read",
    "settle",
    "start_fleet",
    "start_ranks",
]
