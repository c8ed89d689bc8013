"""Worker processes: results in the order of the jobs, however many work; a death is told."""

import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection
from typing import Generic, TypeAlias, TypeVar

from corpora.errors import MaskwrightError

Job = TypeVar("Job")
Result = TypeVar("Result")
Prepare: TypeAlias = Callable[[], Callable[[Job], Result]]

STOPS = (signal.SIGINT, signal.SIGTERM)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(prepare: Prepare[Job, Result], jobs: Iterable[Job], workers: int) -> Generator[Result, None, None]:
    """Yield the result of each job, in order, from `workers` processes; with one worker, from this process.

    `prepare` is called once in each process (it must be picklable) and returns the function that does a job.
    Jobs are handed round in turn, one at a time to each worker: at most `workers` of them are held.

    Raises:
        MaskwrightError: a job raised one, or its worker died; the message then names the job by `str(job)`.
    """
    if workers <= 1:
        yield from map(prepare(), jobs)
        return
    crew = list[_Worker[Job, Result]]()
    try:
        sent = 0
        for job in jobs:
            if len(crew) < workers:
                crew.append(_Worker(prepare))
                crew[-1].give(job)
            else:
                worker = crew[sent % workers]
                result = worker.take()
                worker.give(job)  # before the result is used: the worker goes on meanwhile
                yield result
            sent += 1
        for number in range(max(0, sent - workers), sent):
            yield crew[number % workers].take()
    finally:
        for worker in crew:
            worker.end()


class _Worker(Generic[Job, Result]):
    """One process at the other end of a pipe."""

    def __init__(self, prepare: Prepare[Job, Result]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks in whatever state
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(prepare, theirs), daemon=True)
        self._process.start()
        theirs.close()  # theirs alone now: when the worker dies, our end reads the end of the pipe
        self._job: Job | None = None

    def give(self, job: Job) -> None:
        self._job = job
        with contextlib.suppress(OSError):  # it died: `take` says so
            self._pipe.send(job)

    def take(self) -> Result:
        try:
            result, error = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            raise MaskwrightError(
                f"a worker process died (exit code {self._process.exitcode}) at {self._job}; if memory ran "
                "out, set `speed: {workers: 1}`; the same command goes on after the last finished part"
            ) from None
        if error is not None:
            raise error
        done: Result = result
        return done

    def end(self) -> None:
        self._process.kill()  # it holds nothing that is not ours too
        self._process.join()
        self._process.close()
        self._pipe.close()


def _work(prepare: Prepare[Job, Result], pipe: Connection) -> None:
    """Do jobs until the other end closes, as it does when the parent dies."""
    for stop in STOPS:
        signal.signal(stop, signal.SIG_IGN)  # the parent decides when to stop
    with contextlib.suppress(EOFError, OSError):
        do: Callable[[Job], Result] | None = None
        while True:
            job = pipe.recv()
            try:
                do = do or prepare()
                answer: tuple[Result | None, Exception | None] = (do(job), None)
            except MaskwrightError as error:
                answer = (None, error)
            except Exception:
                answer = (None, RuntimeError(f"in a worker process, at {job}:\n{traceback.format_exc()}"))
            pipe.send(answer)
