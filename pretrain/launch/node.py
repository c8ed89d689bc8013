"""`python -m pretrain.launch.node`: the parent of one host's ranks; see `hosts`, which starts it.

The first line of its standard input is its order, further lines are names of signals; at the end of the input
the connection is gone, and so are the ranks soon after.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from corpora.errors import Interrupted, MaskwrightError, UsageError
from pretrain.launch import children
from pretrain.launch.hosts import ROOT, Order, program
from pretrain.launch.ranks import free_port, start_share
from pretrain.launch.signals import StopRequest, listening


def main() -> int:
    """Start the ranks that are ordered, and wait for them; their exit code. `--check`: look if it could."""
    lines = _lines()
    order = Order.read(next(lines))
    try:
        if "--check" in sys.argv:
            _check(order)
            return 0
        with listening() as stop:
            threading.Thread(target=_listen, args=(lines, stop), daemon=True).start()
            os.environ.update(order.environment)
            start_share(order.words, order.share, stop)
    except MaskwrightError as error:
        if not isinstance(error, Interrupted):  # told by the parent of all, once
            print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _lines() -> Iterator[bytes]:
    """The lines of the standard input, as they come; not by `sys.stdin`: a waiting thread holds its lock."""
    begun = b""
    while piece := os.read(0, 65536):
        *whole, begun = (begun + piece).split(b"\n")
        yield from whole


def _listen(lines: Iterator[bytes], stop: StopRequest) -> None:
    """Note the signals; without a connection ask the ranks to save, and end what does not end by itself."""
    for line in lines:
        stop.note(signal.Signals[line.decode()])
    stop.note(signal.SIGHUP)
    threading.Event().wait(children.GRACE_SECONDS)
    os._exit(MaskwrightError.exit_code)  # the ranks notice, see `end_with_parent`


def _check(order: Order) -> None:
    """Refuse what could not work, before any rank is started.

    Raises:
        UsageError: other code here, no shared disk, or the port is taken.
    """
    here = socket.gethostname()
    if (ours := program()) != order.program:
        raise UsageError(
            f"{here} has another program than {order.sender} under {ROOT} ({ours}, there {order.program}): "
            "bring all hosts to one version"
        )
    if not Path(order.sees).exists():
        raise UsageError(
            f"{here} does not see {order.sees}: runs have to be on a disk that all hosts share, under one "
            "path"
        )
    if order.share.first == 0:
        try:
            free_port("", order.share.port)
        except OSError as error:
            raise UsageError(
                f"port {order.share.port} of {here} is taken ({error.strerror}): set MASTER_PORT to a free "
                "one, or run the command again, which draws another"
            ) from error


if __name__ == "__main__":
    sys.exit(main())
