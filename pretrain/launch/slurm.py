"""Tasks of srun as ranks: SLURM_* translated into what torch reads."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from itertools import product

from corpora.errors import UsageError

PORTS = range(10_000, 30_000)  # below those that systems give to outgoing connections
_NAME = r"(?:[^\[\],\s]|\[\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*\])+"
_LIST = re.compile(rf"{_NAME}(?:,{_NAME})*")


def ranks(environment: Mapping[str, str]) -> dict[str, str]:
    """What a task of srun has to add to its environment to be a rank; nothing where there is one task only.

    MASTER_ADDR and MASTER_PORT that the user set stay; else they are the first node and a port drawn by the
    job's number, equal for all of its tasks and seldom equal for two jobs on one node.

    Raises:
        UsageError: the list of nodes cannot be read.
    """
    tasks = int(environment.get("SLURM_STEP_NUM_TASKS") or environment.get("SLURM_NTASKS") or 1)
    if "SLURM_PROCID" not in environment or tasks < 2:
        return {}
    made: dict[str, object] = {
        "RANK": environment["SLURM_PROCID"],
        "WORLD_SIZE": tasks,
        **_local(environment),
    }
    if "MASTER_ADDR" not in environment:
        made["MASTER_ADDR"] = hosts(_nodes(environment))[0]
    if "MASTER_PORT" not in environment:
        made["MASTER_PORT"] = PORTS[int(environment.get("SLURM_JOB_ID", "0")) % len(PORTS)]
    if "OMP_NUM_THREADS" not in environment and "SLURM_CPUS_PER_TASK" in environment:
        made["OMP_NUM_THREADS"] = environment["SLURM_CPUS_PER_TASK"]
    return {name: str(value) for name, value in made.items()}


def job(environment: Mapping[str, str]) -> tuple[str, int]:
    """Name of the job, unique in its cluster, "" outside; and how often the cluster started it again."""
    number = environment.get("SLURM_JOB_ID")
    name = f"slurm {environment.get('SLURM_CLUSTER_NAME', '')}/{number}" if number else ""
    return name, int(environment.get("SLURM_RESTART_COUNT") or 0)


def hosts(nodes: str) -> list[str]:
    """The hosts of a list as Slurm writes it; by Slurm itself where it is at hand."""
    if scontrol := shutil.which("scontrol"):
        words = [scontrol, "show", "hostnames", nodes]
        told = subprocess.run(words, capture_output=True, text=True, check=False)
        if told.returncode == 0 and told.stdout.split():
            return told.stdout.split()
    return expand(nodes)


def expand(nodes: str) -> list[str]:
    """The hosts of a list as Slurm writes it.

    Raises:
        UsageError: it is no such list.

    >>> expand("n[08-10,7],gpu5,r[1-2]c[1,3]")
    ['n08', 'n09', 'n10', 'n7', 'gpu5', 'r1c1', 'r1c3', 'r2c1', 'r2c3']
    """
    if not _LIST.fullmatch(nodes):
        raise UsageError(f"SLURM_JOB_NODELIST is {nodes!r}, wanted a list such as node[01-04,7],gpu5")
    return [host for name in re.findall(_NAME, nodes) for host in _expanded(name)]


def _expanded(name: str) -> list[str]:
    parts = re.findall(r"\[[^\]]*\]|[^\[]+", name)
    return ["".join(words) for words in product(*map(_choices, parts))]


def _choices(part: str) -> list[str]:
    """`[08-10,7]`: its numbers, as wide as they are written; anything else stands for itself."""
    if not part.startswith("["):
        return [part]
    ends = [(span.split("-")[0], span.split("-")[-1]) for span in part[1:-1].split(",")]
    return [f"{n:0{len(low)}}" for low, high in ends for n in range(int(low), int(high) + 1)]


def _nodes(environment: Mapping[str, str]) -> str:
    """The nodes of this step, or of the job."""
    return environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST") or ""


def _local(environment: Mapping[str, str]) -> dict[str, object]:
    """Which of the ranks on its host this is."""
    if "SLURM_GPUS_PER_TASK" in environment:  # then a task sees its own GPU alone, as the first one
        return {"LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1}
    local: dict[str, object] = {"LOCAL_RANK": environment.get("SLURM_LOCALID", "0")}
    counts = _tasks(
        environment.get("SLURM_STEP_TASKS_PER_NODE") or environment.get("SLURM_TASKS_PER_NODE", "")
    )
    node = int(environment.get("SLURM_NODEID", "0"))
    return {**local, "LOCAL_WORLD_SIZE": counts[node]} if node < len(counts) else local


def _tasks(text: str) -> list[int]:
    """Tasks of each node: `4(x2),3` is 4, 4, 3."""
    found = re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
    return [int(count) for count, times in found for _ in range(int(times or 1))]
