"""Ranks notice when one of them is gone, and say which one, on which host and device.

gloo fails at once when a peer dies, without saying who it was; NCCL waits for ten minutes. So each rank
beats in the store where the ranks met, and watches its left neighbour: one number a second for each rank,
whatever the size of the job. Whoever finds somebody gone tells all.
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
CONNECTING = timedelta(seconds=60)
GONE, HURRY = "gone", "hurry"  # keys of the store


@contextlib.contextmanager
def watched(number: int, world: int, device: str) -> Iterator[None]:
    """While the block runs, the end of another rank is the end of this one.

    Raises:
        MaskwrightError: a collective failed because another rank is gone; which one it is.
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
    thread: threading.Thread | None = None
    count: int = 0  # of the watches that this job has had, this one included

    def start(self) -> None:
        self.count = self._connect().add(f"watches of {self.number}", 1)
        self._connect().set(f"rank {self.number}", self.me)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Look no longer. A thread that the interpreter's end meets in torch's store aborts the process."""
        self.done.set()
        if self.thread:
            self.thread.join(HURRY_SECONDS)

    def tell(self, message: str) -> None:
        """Let all ranks know that somebody is gone."""
        with contextlib.suppress(RuntimeError):
            self._connect().set(GONE, message)
            if self.number == 0:  # which keeps the store
                time.sleep(2 * BEAT_SECONDS)

    def asked(self) -> str:
        """Who is gone, now that a collective has failed; "" if nobody is."""
        with contextlib.suppress(RuntimeError):
            self._connect().set(HURRY, "")
        deadline = time.monotonic() + 2 * HURRY_SECONDS
        while not self.found and time.monotonic() < deadline:
            time.sleep(BEAT_SECONDS / 10)
        return self.found

    def _connect(self) -> Store:
        """A connection of one's own: torch's is held while it waits for something."""
        import torch.distributed as dist

        place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = dist.TCPStore(*place, is_master=False, wait_for_workers=False, timeout=CONNECTING)  # type: ignore[attr-defined]
        again = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")  # torchrun's store outlives the ranks
        return dist.PrefixStore(f"maskwright {again} {self.count}", store)  # type: ignore[attr-defined]

    def _run(self) -> None:
        """Beat and look, until the block has ended or somebody is gone."""
        try:
            self.found = self._look(self._connect())
        except RuntimeError:  # rank 0 keeps the store
            self.found = "" if self.done.wait(BEAT_SECONDS) else "rank 0 is gone, or not to be reached"
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
            now = store.add(f"beat {neighbour}", 0)
            if now != heard:
                heard, last = now, time.monotonic()
            patience = HURRY_SECONDS if store.check([HURRY]) else SILENCE_SECONDS
            if time.monotonic() - last > patience and not store.check([f"left {neighbour}"]):
                return self._missing(store, neighbour)
        store.set(f"left {self.number}", "")
        return ""

    def _missing(self, store: Store, neighbour: int) -> str:
        name = f"rank {neighbour}"
        who = store.get(name).decode() if store.check([name]) else f"rank {neighbour}"
        store.set(GONE, f"{who} is gone")
        return f"{who} is gone"
