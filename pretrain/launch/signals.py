"""Signals ask a run to stop; work goes on to the next point where it can be saved."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from corpora.errors import Interrupted

ASKING = ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP")
IMPATIENT_SECONDS = 1.0


class StopRequest:
    """Whether a signal has asked to stop. A second Ctrl-C, a second or more after the first, ends at once.

    Launchers and schedulers send INT then TERM, or TERM twice; those are noted, and the save goes on.
    """

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.name = ""
        self._first_interrupt = float("inf")

    def __bool__(self) -> bool:
        """True once a signal came."""
        return bool(self.name)

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """The signal handler."""
        now = time.monotonic()
        if number == signal.SIGINT and now - self._first_interrupt >= IMPATIENT_SECONDS:
            sys.stderr.write("\nstopped at once; what was saved before is intact\n")
            os._exit(Interrupted.exit_code)
        if number == signal.SIGINT:
            self._first_interrupt = min(self._first_interrupt, now)
        self.name = self.name or signal.Signals(number).name


def deafen() -> None:
    """Ignore what still comes while the interpreter ends, with the code it has. Launchers send TERM twice."""
    for name in ASKING:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


@contextlib.contextmanager
def listening() -> Iterator[StopRequest]:
    """Turn stop signals into a `StopRequest` while the block runs."""
    request = StopRequest()
    numbers = [getattr(signal, name) for name in ASKING if hasattr(signal, name)]
    before = {number: signal.signal(number, request.note) for number in numbers}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)  # a parent of ours holds back what comes too early
    try:
        yield request
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) == request.note:  # and not deaf by now
                signal.signal(number, handler)
