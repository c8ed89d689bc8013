"""The few calls that change a disk for good: write, sync, rename, remove. Nothing else in the project does.

Keeping them in one place makes faults testable: a test replaces one of these functions by one that fails.
"""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import xxhash

from corpora.errors import CannotWrite, MaskwrightError

NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_ALLOWED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST}  # two: a file in the way
BLOCK = 1 << 20


def write(descriptor: int, data: memoryview) -> int:
    """Write some of `data`, as the system call does; the number of bytes that went out."""
    return os.write(descriptor, data)


def sync(path: Path) -> None:
    """Return once the file's bytes, or the folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(old: Path, new: Path) -> None:
    """Rename atomically and make the new name durable."""
    os.rename(old, new)
    sync(new.parent)


def replace(old: Path, new: Path) -> None:
    """As `rename`, over a file that may exist."""
    os.replace(old, new)
    sync(new.parent)


def remove(path: Path) -> None:
    """Remove a file or a whole folder; one that is not there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it."""
    path.mkdir(parents=True, exist_ok=True)


def digest(path: Path) -> str:
    """xxh3-128 of a file's bytes, 32 hexadecimal digits."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            state.update(block)
    return state.hexdigest()


def cannot_write(error: OSError, path: Path) -> CannotWrite | None:
    """The message for a full or failing disk or a forbidden place; None for any other fault."""
    if error.errno in NO_SPACE:
        free = shutil.disk_usage(existing_parent(path)).free
        return CannotWrite(
            f"no space to write {path} ({os.strerror(error.errno)}; {free / 1e6:,.0f} MB free there): "
            "free some, or name another place with --runs FOLDER, and give the same command again"
        )
    if error.errno in NOT_ALLOWED:
        return CannotWrite(
            f"cannot write {error.filename or path} ({os.strerror(error.errno)}): "
            "make the folder writable, or name another place with --runs FOLDER"
        )
    if error.errno == errno.EIO:
        return CannotWrite(
            f"the disk failed at {error.filename or path} ({os.strerror(error.errno)}): "
            "look at the system's log, or name another place with --runs FOLDER"
        )
    return None


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a full or failing disk or a forbidden place, met while writing `path`, into `CannotWrite`."""
    try:
        yield
    except MaskwrightError:
        raise
    except Exception as error:
        problem = cannot_write(_system_error(error), path)
        if problem is None:
            raise
        raise problem from error


def _system_error(error: Exception) -> OSError:
    """What the system said. Libraries in Rust (safetensors) keep it in their text alone: `(os error 28)`."""
    if isinstance(error, OSError):
        return error
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), str(error)) if found else OSError()


def existing_parent(path: Path) -> Path:
    """The nearest folder above `path` that exists."""
    return next(parent for parent in (path, *path.absolute().parents) if parent.exists())


class SyncedFile:
    """A file written through `disk`, synced when closed. Has what libraries ask of a binary file."""

    def __init__(self, path: Path, append: bool = False) -> None:
        """Open `path` anew, or at its end."""
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
        self._descriptor = os.open(path, flags, 0o644)
        self._path = path

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write all of `data`, in as many calls as the system needs; its size."""
        rest = memoryview(data).cast("B")
        while rest:
            rest = rest[write(self._descriptor, rest) :]
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Nothing is held back: every `write` reaches the system."""

    @property
    def closed(self) -> bool:
        """Arrow asks before it writes."""
        return False

    def __enter__(self) -> "SyncedFile":
        """The file itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Close; sync, unless an error ends the block."""
        os.close(self._descriptor)
        if kind is None:
            sync(self._path)
