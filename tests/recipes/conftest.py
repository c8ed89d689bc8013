"""One clean run of the small recipe, which the slow tests compare with. They copy it, never change it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recipes.making import Command, Ended, artefacts, command, write_recipe


@dataclass(frozen=True)
class Clean:
    """A finished run, made by one process that nothing disturbed."""

    recipe: Path
    runs: Path
    ended: Ended
    files: dict[str, bytes]  # of its artefacts

    @property
    def run(self) -> Path:
        """Its folder."""
        return self.runs / "small"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """For all processes that tests start: threads of several would fight over the cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OMP_NUM_THREADS", "1")
        patch.setitem(os.environ, "COLUMNS", "200")  # tables without folded words
        yield


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    folder = tmp_path_factory.mktemp("small")
    recipe, runs = write_recipe(folder), folder / "runs"
    ended = command("run", recipe, "--runs", runs)
    assert ended.code == 0, ended.errors
    return Clean(recipe, runs, ended, artefacts(runs))


@pytest.fixture
def runs(clean: Clean, tmp_path: Path) -> Path:
    """A copy of the finished run's folders, to be changed at will."""
    return shutil.copytree(clean.runs, tmp_path / "runs", symlinks=True)


def small(clean: Clean, runs: Path, *words: str) -> Ended:
    """Run the small recipe in a folder of runs."""
    return Command(["run", clean.recipe, "--runs", runs, *words], clean.recipe.with_name("said")).end()
