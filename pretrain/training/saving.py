"""Saving beside training: state is copied at a step's end, written and committed by a thread.

Every rank writes its own file into one folder, under a name that is complete when it is there; rank 0 then
makes the folder a part of the draft. No rank waits for another in a collective but to learn the folder's
name, before the copy, so the thread needs none.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from corpora import disk
from corpora.artefact import Draft
from corpora.errors import CannotWrite, MaskwrightError
from pretrain.engine.ranks import Ranks

POLL_SECONDS = 0.02
FAILED = ".failed"  # ends the name of the note that a rank could not write its file
UNFINISHED = ".unfinished"  # ends the name of a rank's file until it is whole


class Saver:
    """Saves one thing at a time, here or in a thread of its own."""

    def __init__(self, out: Draft, ranks: Ranks, beside: bool) -> None:
        """`out` is written by rank 0 alone. `beside`: training goes on meanwhile."""
        self.out, self.ranks = out, ranks
        self._pool = ThreadPoolExecutor(1, "saving") if beside else None
        self._pending: Future[None] | None = None
        self._given_up = threading.Event()

    def save(
        self, part: str, files: Sequence[str], write: Callable[[Path], None], then: Callable[[], None]
    ) -> None:
        """Make a part of the draft: a folder with the `files` of all ranks.

        `write` puts this rank's files into the folder; `then` follows on rank 0 once the part is safe. All
        ranks must call it. One that was begun before is waited for.

        Raises:
            MaskwrightError: what went wrong with it or with the one before.
        """
        self.wait()
        work = self._begin(part, files, write, then)
        if self._pool:
            self._pending = self._pool.submit(work)
        else:
            work()

    def check(self) -> None:
        """Raise what went wrong in the meantime; never waits."""
        if self._pending and self._pending.done():
            self.wait()

    def wait(self) -> None:
        """Return once nothing is being written.

        Raises:
            MaskwrightError: what went wrong.
        """
        pending, self._pending = self._pending, None
        if pending:
            pending.result()

    def close(self) -> None:
        """End the thread, and with it what cannot be finished any more."""
        self._given_up.set()
        if self._pool:
            self._pool.shutdown()

    def _begin(
        self, part: str, files: Sequence[str], write: Callable[[Path], None], then: Callable[[], None]
    ) -> Callable[[], None]:
        """Agree on the folder, and return what is left to do in it."""
        opened = ExitStack()
        if self.ranks.number == 0:
            place = opened.enter_context(self.out.fill(part))
            place.mkdir()
        folder = Path(self.ranks.share(str(place) if self.ranks.number == 0 else ""))

        def work() -> None:
            with opened, disk.writing(folder):
                with self._telling(folder):
                    write(folder)
                if self.ranks.number == 0:
                    self._await([folder / name for name in files])
            if self.ranks.number == 0:
                then()

        return work

    @contextmanager
    def _telling(self, folder: Path) -> Iterator[None]:
        """Let rank 0 know of an error at once."""
        try:
            yield
        except BaseException:
            with suppress(OSError):
                (folder / f"rank-{self.ranks.number}{FAILED}").touch()
            raise

    def _await(self, files: Sequence[Path]) -> None:
        """Return once the files of all ranks are there."""
        deadline = time.monotonic() + self.ranks.timeout.total_seconds()
        while missing := [path for path in files if not path.exists()]:
            if self._given_up.is_set() or any(missing[0].parent.glob(f"*{FAILED}")):
                raise MaskwrightError(
                    f"a rank ended before it had written {missing[0].name}: see what it said"
                )
            if time.monotonic() > deadline:
                raise CannotWrite(
                    f"no rank has written {missing[0]} in {self.ranks.timeout}: is the folder of the runs "
                    "shared by all machines?"
                )
            time.sleep(POLL_SECONDS)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file, which appears under its name once it is complete and on the disk."""
    place = path.with_name(path.name + UNFINISHED)
    yield place
    disk.sync(place)
    disk.replace(place, path)
