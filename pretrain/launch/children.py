"""Processes that a parent of ours started: told of signals, waited for, and never left behind."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from corpora.errors import Interrupted, MaskwrightError
from pretrain.launch.signals import ASKING, StopRequest

GRACE_SECONDS = 60.0  # between asking the other children to stop and ending them
POLL_SECONDS = 0.1
LOST = 76  # what a rank ends with when another is gone: not the culprit


@dataclass(frozen=True)
class Child:
    """A rank, or what starts the ranks of another host."""

    process: "subprocess.Popen[bytes]"
    failure: Callable[[int], str]  # what to say of its exit code
    by_line: bool = False  # told of signals by lines on its standard input, which may lead to another host

    def tell(self, number: signal.Signals) -> None:
        """Hand a signal on; one that has ended is told nothing."""
        if self.by_line:
            self.write(f"{number.name}\n".encode())
        else:
            self.process.send_signal(number)

    def write(self, line: bytes) -> None:
        """Write to its standard input, if it still reads."""
        if self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(line)
                self.process.stdin.flush()


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Processes that are started in this block get stop signals only once they listen (see `listening`)."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in ASKING])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait(children: Sequence[Child], stop: StopRequest) -> None:
    """Until all have ended well.

    Raises:
        Interrupted: a signal came, and they have saved.
        MaskwrightError: one has not ended well; the others may still live.
    """
    told = False
    while None in (codes := [child.process.poll() for child in children]):
        _refuse_failures(children, codes)
        if stop and not told:
            told = True
            for child in children:
                child.tell(signal.Signals[stop.name])
        time.sleep(POLL_SECONDS)
    _refuse_failures(children, codes)
    if Interrupted.exit_code in codes:
        raise Interrupted(f"stopped by {stop.name or 'a signal to a rank'}: saved, the same command goes on")


def end(children: Sequence[Child]) -> None:
    """Let no child live on: ask, wait, then kill."""
    alive = [child for child in children if child.process.poll() is None]
    for child in alive:
        child.tell(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for child in alive:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
    for child in children:
        if child.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                child.process.stdin.close()


def _refuse_failures(children: Sequence[Child], codes: Sequence[int | None]) -> None:
    """Raise what the culprit has to answer for, not those that ended because of it."""
    if not any(map(_failed, codes)):
        return
    if LOST in codes:  # the culprit may have ended after it was looked at
        codes = [child.process.poll() for child in children]
    failed = [(child, code) for child, code in zip(children, codes, strict=True) if _failed(code)]
    child, code = min(failed, key=lambda one: one[1] == LOST)
    error = MaskwrightError(child.failure(code or 0))
    error.exit_code = code if code and 0 < code < LOST else MaskwrightError.exit_code
    raise error


def _failed(code: int | None) -> bool:
    return code not in (None, 0, Interrupted.exit_code)
