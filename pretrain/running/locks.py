"""Locks between processes: one writer per run folder and per artefact, on one machine or a shared disk."""

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from corpora import disk
from corpora.errors import Busy

Owner: TypeAlias = dict[str, str | int]
HEARTBEAT_SECONDS = 20.0
SILENCE_SECONDS = 300.0  # a lock of another machine whose heartbeat is older than this is taken over


@contextlib.contextmanager
def locked(path: Path, what: str, job: tuple[str, int] = ("", 0)) -> Iterator[None]:
    """Hold the lock file `path` while the block runs.

    A lock whose owner is provably gone is taken over: its process no longer lives on this machine, or, on
    another machine, its heartbeat stopped, or its scheduler has started this `job` (name, restarts) again
    since. (No `flock`: network file systems do it badly or not at all.)

    Raises:
        Busy: another process holds it; the message names host, process and start.
    """
    mine = _who(job)
    with disk.writing(path):
        disk.make_folder(path.parent)
        while not _create(path, mine):
            _take_over_or_refuse(path, what, mine)
    done = threading.Event()
    threading.Thread(target=_beat, args=(path, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        if _read(path) == mine:
            disk.remove(path)


def _create(path: Path, content: Owner) -> bool:
    """Make the lock file whole in one step (a link either appears with its content or not at all)."""
    draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
    draft.write_text(json.dumps(content))
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        disk.remove(draft)
    return True


def _take_over_or_refuse(path: Path, what: str, here: Owner) -> None:
    owner = _read(path)
    if owner is None:
        return  # released this very moment
    if not _gone(owner, here, path):
        raise Busy(
            f"{what} is in use by process {owner['pid']} on {owner['host']}, started {owner['started']}: "
            f"wait for it, or stop it. If that process is known to be dead, delete {path}"
        )
    aside = path.with_name(f"{path.name}.stale-{uuid.uuid4().hex}")
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, aside)  # of two that take over at once, one gets the file
        if _read(aside) != owner:  # not the stale one: somebody was quicker, give it back
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
        disk.remove(aside)


def _gone(owner: Owner, here: Owner, path: Path) -> bool:
    if owner.get("job") == here["job"] != "" and int(owner["restarts"]) < int(here["restarts"]):
        return True
    if (owner["host"], owner["processes"]) != (here["host"], here["processes"]):
        with contextlib.suppress(FileNotFoundError):
            return time.time() - path.stat().st_mtime > SILENCE_SECONDS
        return False
    return owner["boot"] != here["boot"] or owner["birth"] != _birth(int(owner["pid"]))


def _read(path: Path) -> Owner | None:
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, ValueError):
        return None


def _who(job: tuple[str, int]) -> Owner:
    pid = os.getpid()
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "host": socket.gethostname(),
        "boot": _boot(),
        "processes": _namespace(),
        "pid": pid,
        "birth": _birth(pid),
        "started": started,
        "job": job[0],
        "restarts": job[1],
    }


def _boot() -> str:
    """Identity of this start of the machine; process numbers mean nothing after the next one."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else ""


def _namespace() -> str:
    """Which set of processes the numbers belong to: each container has its own, on one host."""
    path = Path("/proc/self/ns/pid")
    return os.readlink(path) if path.exists() else ""


def _birth(pid: int) -> str:
    """When a living process started, in clock ticks since boot; "" if there is none with that number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self/stat").exists() else _birth_without_proc(pid)
    return "" if fields[0] == "Z" else fields[19]


def _birth_without_proc(pid: int) -> str:
    """The best there is without /proc: whether a process with that number lives."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "alive"


def _beat(path: Path, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(path)
