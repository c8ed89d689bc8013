"""Paired timing: several ways to do the same work, in turn, so that a busy machine slows all of them.

Times are processor seconds of this process, its threads and the processes it has waited for. The order is
turned round every other round, and ratios are taken within each round.
"""

import contextlib
import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")
Way = Callable[[], object]
"""Does all of the work once."""

QUIET = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}


def on_one_core() -> None:
    """Bind this process, and those that it starts, to one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def in_turn(ways: Mapping[str, Callable[[], Result]], rounds: int) -> dict[str, list[Result]]:
    """What each way returns in each round."""
    found: dict[str, list[Result]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in [*ways] if number % 2 else reversed([*ways]):
            found[name].append(ways[name]())
    return found


def paired(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in each round."""
    return in_turn({name: partial(seconds, way) for name, way in ways.items()}, rounds)


def seconds(way: Way) -> float:
    """Processor seconds of one call, without garbage collection, as `timeit` does."""
    gc.collect()
    gc.disable()
    begin = _processor()
    way()
    end = _processor()
    gc.enable()
    return end - begin


def command(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command on one thread.

    Raises:
        subprocess.CalledProcessError: it failed; what it said is printed.
    """
    done = subprocess.run(words, env={**os.environ, **QUIET}, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr)
        done.check_returncode()
    return done


def ratios(taken: Mapping[str, Sequence[float]], peer: str, name: str) -> dict[str, float]:
    """How many times as fast as the peer, taken within each round."""
    return spread([a / b for a, b in zip(taken[peer], taken[name], strict=True)])


def rates(taken: Mapping[str, Sequence[float]], ours: str, texts: Sequence[str]) -> dict[str, Any]:
    """Documents and megabytes (of UTF-8) a second of each way, and how many times as long as ours it took."""
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    return {
        name: {
            "documents_per_second": round(len(texts) / statistics.median(times)),
            "megabytes_per_second": round(megabytes / statistics.median(times), 2),
            "times_ours": ratios(taken, name, ours),
        }
        for name, times in taken.items()
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    found = {"median": statistics.median(values), "lowest": min(values), "highest": max(values)}
    return {name: float(f"{value:.3g}") for name, value in found.items()}


def machine(*packages: str) -> dict[str, Any]:
    """What the figures were taken on and with."""
    cpu = platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    versions = {name: version(name) for name in packages}
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version(), **versions}


def keep(results: Path, report: Mapping[str, Any]) -> None:
    """Write results as JSON."""
    results.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _processor() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
