"""The command line: `maskwright COMMAND ...`, which is also `python -m pretrain COMMAND ...`.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

import argparse
import difflib
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, Protocol

from rich.console import Console

from corpora.errors import Interrupted, MaskwrightError, UsageError
from pretrain.commands import (
    batch,
    compare,
    corpora,
    endings,
    explain,
    export,
    plan,
    predict,
    preview,
    recipes,
    replay,
    run,
    show,
    submit,
    verify,
)
from pretrain.launch.leaving import leave
from pretrain.running.console import Terminal

PURPOSE = "Pre-train Chinese and English encoders from your own text: one recipe file runs the whole chain."
EPILOG = """\
exit codes: 0 done, 1 a fault of the program, 2 usage, 3 bad data, 4 damaged artefact, 5 no space or not
writable, 6 diverged, 7 in use by another process, 75 interrupted and saved (the same command goes on)"""

Command = Callable[[argparse.ArgumentParser, Sequence[str], Console], int]


def program() -> NoReturn:
    """The whole program: run the command, and end with its code whatever signals still come."""
    leave(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the program's exit code. Every foreseen error is one message, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # Chinese text on a terminal of another encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Terminal(soft_wrap=True)
    try:
        return _dispatch(words, console)
    except MaskwrightError as error:
        return endings.foreseen(error)
    except KeyboardInterrupt:
        return endings.foreseen(Interrupted("interrupted"))
    except OSError as error:
        return endings.cannot(error)
    except Exception as error:
        return endings.surprise(error)


def _dispatch(words: list[str], console: Console) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        console.print(_help(), markup=False, highlight=False)
        return 0
    if words[0] == "--version":
        console.print(_version(), highlight=False)
        return 0
    if words[0] not in COMMANDS:
        raise UsageError(_unknown(words))
    summary, command = COMMANDS[words[0]]
    parser = _Parser(
        prog=f"maskwright {words[0]}",
        description=summary,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return command(parser, words[1:], console)


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are `UsageError`s like all others."""

    def error(self, message: str) -> NoReturn:
        message = message.replace(", KEY=VALUE", "")  # argparse's slip: none is required
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


class _Module(Protocol):
    """What a file of `commands` has."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options."""

    def act(self, given: argparse.Namespace, console: Console) -> None:
        """Do it."""


def _of(module: _Module) -> Command:
    def command(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
        module.arguments(parser)
        module.act(_parse(parser, words), console)
        return 0

    return command


def _parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse; options and KEY=VALUE may come in any order."""
    if dashed := [word for word in words if word.startswith("--") and "." in word.partition("=")[0]]:
        raise UsageError(
            f"{dashed[0]}: keys of the recipe are written without dashes: {dashed[0].lstrip('-')}"
        )
    return parser.parse_intermixed_args(words)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("maskwright")
    except PackageNotFoundError:
        return "a checkout that is not installed"


def _help() -> str:
    lines = ["usage: maskwright COMMAND ...", "", PURPOSE, "", "commands:"]
    lines += [f"  {name:8} {summary}" for name, (summary, _) in COMMANDS.items()]
    lines += [
        "",
        "a first run: maskwright run macbert_tiny      each command: maskwright COMMAND --help",
        "",
        EPILOG,
    ]
    return "\n".join(lines)


def _unknown(words: list[str]) -> str:
    if words[0].endswith((".yaml", ".yml")) or "=" in "".join(words[1:2]):
        return f"a command comes first: maskwright run {' '.join(words)}"
    near = difflib.get_close_matches(words[0], COMMANDS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return (
        f"no command {words[0]!r}{hint} (commands: {' '.join(COMMANDS)}; a recipe: maskwright run {words[0]})"
    )


COMMANDS: Mapping[str, tuple[str, Command]] = {
    "run": ("run a recipe: do what is not done yet, go on where it stopped", _of(run)),
    "plan": (
        "show what a run would do: stages, tokens, steps, disk, memory, time",
        _of(plan),
    ),
    "submit": ("hand the stages that are not done to Slurm, a job for each", _of(submit)),
    "preview": (
        "show masked rows as training reads them, and what is masked over many",
        _of(preview),
    ),
    "batch": (
        "rebuild the batch of any step of training, and name its documents",
        _of(batch),
    ),
    "replay": (
        "take a step of a run that diverged again, to where it first goes wrong",
        _of(replay),
    ),
    "export": (
        "write any kept step of a run, finished or not, as a Hugging Face folder",
        _of(export),
    ),
    "predict": ("what a fine-tuned network finds in further rows", _of(predict)),
    "compare": (
        "run a recipe in several ways with the same seeds, and tell them apart",
        _of(compare),
    ),
    "recipes": ("list the shipped recipes", _of(recipes)),
    "explain": (
        "what a key of a recipe means, its type, default and range",
        _of(explain),
    ),
    "corpora": (
        "what became of the text: counts, reasons, lengths, random documents, rejects",
        _of(corpora),
    ),
    "show": (
        "print rows of a token set: words, segments, documents, unknown characters",
        _of(show),
    ),
    "verify": ("check every byte of artefacts against their manifests", _of(verify)),
}

if __name__ == "__main__":
    program()
