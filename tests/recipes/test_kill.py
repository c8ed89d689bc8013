"""SIGKILL in the middle of every stage, and at any moment: the same command still ends as if undisturbed."""

import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from pretrain.training.gauge import FIGURES
from tests.recipes.conftest import Clean, small
from tests.recipes.making import STAGES, Command, Ended, artefacts, strays

pytestmark = pytest.mark.slow


def begun(runs: Path, kind: str) -> bool:
    """Whether a stage is in the middle of its work: something stands in its draft."""
    names = {path.name for draft in runs.glob(f".store/{kind}-*.partial") for path in draft.iterdir()}
    return bool(names - {"journal.jsonl", "journal.jsonl.writing"})


def kill_in(clean: Clean, runs: Path, kind: str) -> None:
    """Start the run and kill it inside the stage that makes `kind`."""
    for _ in range(5):
        process = Command(["run", clean.recipe, "--runs", runs], runs.with_name("said"))
        process.when(lambda: begun(runs, kind), signal.SIGKILL)
        assert process.end().code == -signal.SIGKILL
        finished = [path for path in runs.glob(f".store/{kind}-*") if path.name.count(".") == 0]
        if not finished:
            return
        shutil.rmtree(finished[0])  # it was quicker than the kill: once more
    pytest.fail(f"{kind} was always finished before the kill")


def test_a_run_that_is_killed_in_every_stage_ends_as_an_undisturbed_one(clean: Clean, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for kind in STAGES.values():
        kill_in(clean, runs, kind)
        assert set(artefacts(runs)) & set(clean.files) == {
            name for name in clean.files if (runs / name).exists()
        }
    ended = small(clean, runs)
    assert ended.output.count("done before") == len(STAGES) - 1
    as_undisturbed(clean, runs, ended)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_run_that_is_killed_at_any_moment_ends_as_an_undisturbed_one(
    clean: Clean, tmp_path: Path, seed: int
) -> None:
    runs, draw = tmp_path / "runs", random.Random(seed)
    for _ in range(4):
        latest = time.monotonic() + draw.uniform(0.05, 2.5)
        process = Command(["run", clean.recipe, "--runs", runs], tmp_path / "said")
        process.when(lambda moment=latest: time.monotonic() > moment, signal.SIGKILL)  # type: ignore[misc]
        assert process.end().code in (0, -signal.SIGKILL)
    as_undisturbed(clean, runs, small(clean, runs))


def as_undisturbed(clean: Clean, runs: Path, ended: Ended) -> None:
    """The last of several processes did its work, and nothing tells that there were others."""
    assert (ended.code, ended.errors) == (0, "")
    assert artefacts(runs) == clean.files
    assert strays(runs) == []
    rows = [list(map(untimed, metrics(folder))) for folder in (runs / "small", clean.run)]
    assert rows[0] == rows[1]


def metrics(run: Path) -> list[str]:
    """Rows of metrics, but for those that hold nothing else than what a clock said of this process."""
    rows = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return [row for row in rows if '"cpu_seconds"' not in row]


def untimed(line: str) -> dict[str, object]:
    """A row of metrics without what a clock said."""
    row: dict[str, object] = json.loads(line)
    return {key: value for key, value in row.items() if key not in {"seconds", *FIGURES}}
