"""Every error this project raises on purpose, and the exit code that each one ends the program with.

    MaskwrightError        1   a fault of ours: everything else is expected to happen
    |- UsageError          2   the recipe or the command line asks for something that cannot be
    |- BadData             3   text, labels, vectors or a checkpoint from outside are not what they should be
    |- CorruptArtefact     4   something we wrote was changed or damaged since
    |- CannotWrite         5   no space, a read-only folder, no permission
    |- Diverged            6   the loss stopped being a number and stayed so
    |- Busy                7   another process works on the same thing
    `- Interrupted        75   a signal came; what was done is saved, the same command goes on

A message says what was got, what would do, and how to mend it, with `file:line` where there is one.
"""


class MaskwrightError(Exception):
    """The root: `str(error)` is one message for a person, ready to print."""

    exit_code = 1


class UsageError(MaskwrightError):
    """The recipe or the command line cannot be done as written."""

    exit_code = 2


class BadData(MaskwrightError):
    """Input from outside is missing, empty, damaged or of another form than expected."""

    exit_code = 3


class CorruptArtefact(MaskwrightError):
    """A file that a manifest names is missing, changed or damaged."""

    exit_code = 4


class CannotWrite(MaskwrightError):
    """The disk is full, or the place cannot be written to."""

    exit_code = 5


class Diverged(MaskwrightError):
    """Loss or gradients were not finite for several steps in a row."""

    exit_code = 6


class Busy(MaskwrightError):
    """A lock is held by a process that is, or may be, alive."""

    exit_code = 7


class Interrupted(MaskwrightError):
    """A signal asked to stop and everything done so far is saved (75 is `EX_TEMPFAIL`: try again)."""

    exit_code = 75
