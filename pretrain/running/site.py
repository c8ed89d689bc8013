"""A site file: what `maskwright submit` has to know of a Slurm cluster, once for all recipes.

account: nlp
cpu: {partition: cpu, cpus: 32, time: 12:00:00}
gpu: {partition: gpu, nodes: 2, gpus: 8, time: 24:00:00}
setup: [module load cuda/12.4]
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from corpora.settings import Items, Settings
from pretrain.reading.checking import check
from pretrain.reading.problems import Problem, RecipeError
from pretrain.reading.source import read

Count = Annotated[int, Field(ge=1)]
Word = Annotated[str, Field(min_length=1, pattern=r"^\S+$")]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n\r]+$")]
Time = Annotated[str, Field(pattern=r"^(\d+-)?\d{1,3}(:\d{2}){0,2}$")]
Options = Mapping[Word, Line]


class Nodes(Settings):
    """Nodes for stages on text, and for the export: one task, which uses all processors that it is given."""

    partition: Word | None = None
    """Partition; left out, the cluster's default."""

    time: Time = "24:00:00"
    """Longest time, as Slurm writes it: days-hours:minutes:seconds. A stage that is not done by then goes on
    in the next one."""

    cpus: Count = 8
    """Processors of the task."""

    memory_gigabytes: Count | None = None
    """Memory of a node; left out, the cluster's default. `maskwright plan` says what a stage needs."""

    options: Options = Field(default_factory=dict)
    """Further options of sbatch for these stages, by name without dashes: {constraint: ib}."""


class GpuNodes(Nodes):
    """Nodes for training and fine-tuning."""

    cpus: Count = 8
    """Processors of each GPU."""

    nodes: Count = 1
    """Nodes to train on. Fine-tuning takes one GPU of one node."""

    gpus: Annotated[int, Field(ge=0)] = 1
    """GPUs of each node; each gets one process. 0: one process a node, without any."""


class Site(Settings):
    """A Slurm cluster."""

    account: Word | None = None
    """Account that pays, where the cluster asks for one."""

    cpu: Nodes = Nodes()
    """Nodes for stages on text, and for the export."""

    gpu: GpuNodes = GpuNodes()
    """Nodes for training and fine-tuning."""

    lead_seconds: Annotated[int, Field(ge=30, le=65535)] = 300
    """How long before the end of the time a job is told to save: a step, a checkpoint, and some to spare."""

    restarts: Annotated[int, Field(ge=0)] = 100
    """How often a job that was told to save goes back into the queue, to go on."""

    setup: Items[Line] = ()
    """Lines of shell before the program starts: [module load cuda/12.4, source venv/bin/activate]."""

    container: Line | None = None
    """Words that run a command in a container: apptainer exec --nv /images/maskwright.sif."""

    python: Line | None = None
    """Words that start Python on the nodes; left out, `python` in a container, else the one that submits."""

    options: Options = Field(default_factory=dict)
    """Further options of sbatch for all jobs, by name without dashes: {qos: high, mail-type: FAIL}."""

    @model_validator(mode="after")
    def _leads(self) -> "Site":
        """A job has to be told to save while it runs."""
        for name, nodes in (("cpu", self.cpu), ("gpu", self.gpu)):
            if seconds(nodes.time) <= self.lead_seconds:
                raise ValueError(
                    f"{name}.time is {nodes.time}, not longer than lead_seconds ({self.lead_seconds}): "
                    "a job would be told to save before it began"
                )
        return self


def seconds(time: str) -> int:
    """Of a time as Slurm writes it: minutes, minutes:seconds, hours:minutes:seconds, days-hours:...

    >>> [seconds(time) for time in ("90", "1:30", "1:00:00", "2-12", "1-0:30")]
    [5400, 90, 3600, 216000, 88200]
    """
    days, dash, rest = time.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    units = (3600, 60, 1) if dash or len(parts) == 3 else (60, 1, 0)
    return int(days or 0) * 86400 + sum(part * unit for part, unit in zip(parts, units, strict=False))


def load(path: Path) -> Site:
    """Read a site file.

    Raises:
        RecipeError: with every problem of the file.
    """
    problems: list[Problem] = []
    site = check(Site, read(path, problems), (), problems)
    if problems or site is None:
        raise RecipeError(problems)
    return site
