"""How a command ends that could not do its work: one message, and an exit code."""

import contextlib
import sys
import traceback
from pathlib import Path

from corpora import disk
from corpora.errors import BadData, CannotWrite, Interrupted, MaskwrightError
from pretrain.running.console import hush


def foreseen(error: MaskwrightError) -> int:
    """Print the message of an error that a user can cause; its exit code."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{_label(error)}: {error}", file=sys.stderr)
    return error.exit_code


def cannot(error: OSError) -> int:
    """A disk that is full, or a place that may not be written to; anything else is a surprise."""
    if error.filename:
        known = disk.cannot_write(error, Path(error.filename))
        return foreseen(known) if known else surprise(error)
    if error.errno not in disk.NO_SPACE:
        return surprise(error)
    hush()  # files say their names
    return foreseen(CannotWrite(f"cannot write to the standard output ({error.strerror})"))


def _label(error: MaskwrightError) -> str:
    return (
        "interrupted"
        if isinstance(error, Interrupted)
        else "bad data"
        if isinstance(error, BadData)
        else "error"
    )


def surprise(error: Exception) -> int:
    """A fault of ours: the traceback goes to a file, a person gets one line."""
    text = "".join(traceback.format_exception(error))
    place = Path("maskwright-error.txt")
    try:
        place.write_text(text, "utf-8")
    except OSError:
        print(text, file=sys.stderr)
    print(
        f"unexpected {type(error).__name__}: {error}\nthe traceback is in {place.absolute()}", file=sys.stderr
    )
    return MaskwrightError.exit_code
