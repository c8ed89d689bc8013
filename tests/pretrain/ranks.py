"""Ranks of a job as forked copies of a process that has all modules loaded: seconds sooner."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pretrain.launch.ranks import free_port
from tests.recipes.making import forkserver


def job(world: int) -> list[dict[str, str]]:
    """What a launcher puts into the environment of each rank."""
    place = {"WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    return [{**place, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(world)]


def on_ranks(world: int, body: Callable[..., None], folder: Path, *arguments: object) -> None:
    """Call `body(*arguments)`, a function of a module, on each rank; all end well, or the test fails."""
    said = [folder / f"said-{world}-{rank}" for rank in range(world)]
    ranks = [
        forkserver().Process(target=_rank, args=(environment, output, body, arguments))
        for environment, output in zip(job(world), said, strict=True)
    ]
    try:
        for one in ranks:
            one.start()
        for one in ranks:
            one.join(500)
        codes = [one.exitcode for one in ranks]
    finally:
        for one in ranks:
            if one.pid:
                one.kill()
    assert codes == [0] * world, "\n".join(output.read_text() for output in said)


def _rank(
    environment: Mapping[str, str], said: Path, body: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.environ.update(environment)
    body(*arguments)
