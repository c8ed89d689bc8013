"""Ranks notice when one of them is gone, and say which one, on which host and device.

gloo fails at once when a peer dies, without saying who it was; NCCL waits for ten minutes. So each rank
beats in the store where the ranks met, and watches its left neighbour: one number a second for each rank,
whatever the size of the job. Whoever finds somebody gone tells all.

A rank has one connection for this, made when the block begins, and one thread that uses it: the main thread
never waits for a store whose host may have vanished.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from corpora.errors import Interrupted, MaskwrightError
from pretrain.launch.children import LOST
from pretrain.launch.environment import launched

Store: TypeAlias = Any  # torch's, which does not export its type

BEAT_SECONDS = 1.0
SILENCE_SECONDS = 60.0  # a rank that does not beat for so long is gone: a process that swaps may be slow
HURRY_SECONDS = 5.0  # the same once a collective has failed; and what a rank may take to end by itself
CONNECTING_SECONDS = 30.0  # all have met already; torch may take twice as long to give up
GONE, HURRY = "gone", "hurry"  # keys of the store
UNREACHED = "rank 0 is gone, or not to be reached"  # it keeps the store


@contextlib.contextmanager
def watched(number: int, world: int, device: str) -> Iterator[None]:
    """While the block runs, the end of another rank is the end of this one.

    Raises:
        MaskwrightError: a collective failed because another rank is gone, or rank 0 was gone before; which
            one it is.
    """
    if world == 1:
        yield
        return
    watch = _Watch(number, world, f"rank {number} ({socket.gethostname()}, {device})")
    watch.start()
    try:
        yield
    except Interrupted:  # all ranks stop at once
        raise
    except MaskwrightError as error:
        watch.tell(f"{watch.me} ended: {error}")
        raise
    except RuntimeError as error:  # of torch.distributed, say
        found = watch.asked()
        if not found:
            watch.tell(f"{watch.me} failed: {error}")
            raise
        raise _lost(found) from error
    finally:
        watch.end()


def _lost(found: str) -> MaskwrightError:
    error = MaskwrightError(f"{found}; this one stops, too. The same command goes on")
    error.exit_code = LOST if launched() else MaskwrightError.exit_code
    return error


@dataclass
class _Watch:
    number: int
    world: int
    me: str
    done: threading.Event = field(default_factory=threading.Event)
    found: str = ""  # who is gone
    message: str = ""  # to be told to all
    hurry: bool = False  # a collective has failed
    rounds: int = 0  # of beating and looking
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Make the connection, and the thread that uses it.

        Raises:
            MaskwrightError: rank 0 is gone.
        """
        try:
            store = self._connect()
        except RuntimeError as error:
            raise _lost(UNREACHED) from error
        self.thread = threading.Thread(target=self._run, args=(store,), daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Look no longer."""
        self.done.set()
        if self.thread:
            self.thread.join(2 * HURRY_SECONDS)

    def tell(self, message: str) -> None:
        """Let all ranks know that somebody is gone."""
        self.message = message
        self._wait(HURRY_SECONDS)

    def asked(self) -> str:
        """Who is gone, now that a collective has failed; "" if nobody is."""
        self.hurry, before = True, self.rounds
        self._wait(2 * HURRY_SECONDS)
        return self.found or (UNREACHED if self.rounds == before else "")

    def _wait(self, seconds: float) -> None:
        """Until the thread knows who is gone, or is done."""
        deadline = time.monotonic() + seconds
        while self.thread and self.thread.is_alive() and not self.found and time.monotonic() < deadline:
            time.sleep(BEAT_SECONDS / 10)

    def _connect(self) -> Store:
        """A connection of one's own: torch's is held while it waits for something."""
        import torch.distributed as dist

        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        patience = timedelta(seconds=CONNECTING_SECONDS)
        store = dist.TCPStore(*place, is_master=False, wait_for_workers=False, timeout=patience)  # type: ignore[attr-defined]
        again = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun's store outlives the ranks
        job = dist.PrefixStore(f"maskwright {again}", store)  # type: ignore[attr-defined]
        count = job.add(f"watches of {self.number}", 1)  # that this job has had, this one included
        ours = dist.PrefixStore(str(count), job)  # type: ignore[attr-defined]
        ours.set(f"rank {self.number}", self.me)
        return ours

    def _run(self, store: Store) -> None:
        """Beat and look, until the block has ended or somebody is gone."""
        try:
            self.found = self._look(store)
            self._leave(store)
        except RuntimeError:
            self.found = self.found or ("" if self.done.wait(BEAT_SECONDS) else UNREACHED)
        if self.found and not self.done.wait(HURRY_SECONDS):
            error = _lost(self.found)  # the main thread hangs in a collective
            if not launched():
                print(f"error: {error}", file=sys.stderr, flush=True)
            os._exit(error.exit_code)

    def _look(self, store: Store) -> str:
        neighbour = (self.number - 1) % self.world
        heard, last = -1, time.monotonic()
        while not self.done.wait(BEAT_SECONDS):
            store.add(f"beat {self.number}", 1)
            if store.check([GONE]):
                return bytes(store.get(GONE)).decode()
            if self.message:
                store.set(GONE, self.message)
                return ""
            if self.hurry:
                store.set(HURRY, "")
            now = store.add(f"beat {neighbour}", 0)
            if now != heard:
                heard, last = now, time.monotonic()
            patience = HURRY_SECONDS if store.check([HURRY]) else SILENCE_SECONDS
            if time.monotonic() - last > patience and not store.check([f"left {neighbour}"]):
                return self._missing(store, neighbour)
            self.rounds += 1
        store.set(f"left {self.number}", "")
        return ""

    def _leave(self, store: Store) -> None:
        """Rank 0, which keeps the store, leaves last: when all others know what there is to know."""
        left = store.add("left", 0 if self.message else 1)
        expected = self.world - bool(self.found or self.message)  # without the one that is gone
        deadline = time.monotonic() + HURRY_SECONDS
        while self.number == 0 and left < expected and time.monotonic() < deadline:
            time.sleep(BEAT_SECONDS / 100)
            left = store.add("left", 0)

    def _missing(self, store: Store, neighbour: int) -> str:
        name = f"rank {neighbour}"
        who = store.get(name).decode() if store.check([name]) else f"rank {neighbour}"
        store.set(GONE, f"{who} is gone")
        return f"{who} is gone"
