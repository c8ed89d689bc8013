"""One clean run of the small recipe, which the slow tests compare with. They copy it, never change it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.recipes.making import Command, Ended, artefacts, write_recipe


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


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    folder = tmp_path_factory.mktemp("small")
    recipe, runs = write_recipe(folder), folder / "runs"
    ended = Command(["run", recipe, "--runs", runs], folder / "said").end()
    assert ended.code == 0, ended.errors
    return Clean(recipe, runs, ended, artefacts(runs))


@pytest.fixture
def runs(clean: Clean, tmp_path: Path) -> Path:
    """A copy of the finished run's folders, to be changed at will."""
    return shutil.copytree(clean.runs, tmp_path / "runs", symlinks=True)


def small(clean: Clean, runs: Path, *words: str) -> Ended:
    """Run the small recipe in a folder of runs."""
    return Command(["run", clean.recipe, "--runs", runs, *words], clean.recipe.with_name("said")).end()
