"""What all tests share."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# The first call of a compiled function takes seconds; equal inputs on every machine make failures repeatable.
settings.register_profile("maskwright", deadline=None, derandomize=True)
settings.load_profile("maskwright")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """For all processes that tests start: threads of several would fight over the cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "OMP_NUM_THREADS", "1")
        patch.setitem(os.environ, "COLUMNS", "200")  # tables without folded words
        yield


@pytest.fixture(autouse=True)
def _no_rank() -> Iterator[None]:
    """Accelerate tells a process that it is a rank where a process group was entered: later ones are not."""
    yield
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        os.environ.pop(name, None)
