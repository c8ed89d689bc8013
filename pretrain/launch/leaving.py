"""How a process of a job ends."""

import contextlib
import os
import sys
from typing import NoReturn

from pretrain.launch.environment import is_rank
from pretrain.launch.signals import deafen


def leave(code: int) -> NoReturn:
    """End this process with its code, whatever signals still come.

    A rank ends at once. The interpreter ends a thread that comes back from a call of torch (to a store, of
    gloo) by unwinding it through C++, which aborts the process: SIGABRT in place of its code.
    """
    deafen()
    if is_rank():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # nobody reads it any more
                stream.flush()
        os._exit(code)
    sys.exit(code)
