"""Worker processes: order, independence of their number, and what is told when something goes wrong."""

import os
from collections.abc import Callable, Iterator

import pytest

from corpora.errors import BadData, MaskwrightError
from tokenization.crew import spread


def squares() -> Callable[[int], int]:
    return lambda number: number * number


def failing() -> Callable[[int], int]:
    def fail(number: int) -> int:
        if number == 3:
            raise BadData("line 3 is bad")
        if number == 5:
            os._exit(9)
        if number == 7:
            raise ValueError("a fault of ours")
        return number

    return fail


def jobs_from(seen: list[int], stop: int) -> Iterator[int]:
    for number in range(stop):
        seen.append(number)
        yield number


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 2, 11])
def test_results_come_in_order_from_any_number_of_workers(count: int) -> None:
    assert (
        list(spread(squares, range(count), 3))
        == list(spread(squares, range(count), 1))
        == [n * n for n in range(count)]
    )


@pytest.mark.slow
def test_jobs_are_read_no_further_than_workers_can_take() -> None:
    seen: list[int] = []
    results = spread(squares, jobs_from(seen, 1000), 2)
    next(results)
    assert len(seen) <= 3
    results.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("jobs", "error", "message"),
    [
        ([1, 2, 3, 4], BadData, r"^line 3 is bad$"),
        ([1, 5, 2, 4], MaskwrightError, r"died \(exit code 9\) at 5"),
        ([1, 7], RuntimeError, r"at 7:\n[^$]*ValueError: a fault of ours"),
    ],
)
def test_a_fault_in_a_worker_is_told(jobs: list[int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        list(spread(failing, jobs, 2))
