"""The command line: `maskwright COMMAND ...`, which is also `python -m pretrain COMMAND ...`.

Everything heavy is imported by the command that needs it, so that `--help` answers at once.
"""

import argparse
import contextlib
import difflib
import io
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from corpora import disk
from corpora.errors import BadData, CannotWrite, Interrupted, MaskwrightError, UsageError
from pretrain.console import Terminal, hush

PURPOSE = "Pre-train Chinese and English encoders from your own text: one recipe file runs the whole chain."
EPILOG = """\
exit codes: 0 done, 1 a fault of the program, 2 usage, 3 bad data, 4 damaged artefact, 5 no space or not
writable, 6 diverged, 7 in use by another process, 75 interrupted and saved (the same command goes on)"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are `UsageError`s like all others."""

    def error(self, message: str) -> NoReturn:
        message = message.replace(", KEY=VALUE", "")  # argparse's slip: none is required
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the program's exit code. Every foreseen error is one message, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # Chinese text on a terminal of another encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Terminal(soft_wrap=True)
    try:
        return _dispatch(words, console)
    except MaskwrightError as error:
        return _fail(error)
    except KeyboardInterrupt:
        return _fail(Interrupted("interrupted"))
    except OSError as error:
        return _cannot(error)
    except Exception as error:
        return _surprise(error)


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


def _run(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    _recipe_arguments(parser)
    _stage_arguments(parser)
    parser.add_argument("--dry-run", action="store_true", help="show the plan, do nothing")
    given = _parse(parser, words)
    from pretrain.signals import listening

    with listening() as stop:
        from pretrain.recipe import load

        recipe = load(given.recipe, given.overrides)
        from pretrain import launch, runner

        if launch.launched():
            launch.end_with_parent()
        job = runner.job(
            recipe, given.runs, console, stop, only=given.only, first=given.first, until=given.until
        )
        if given.dry_run:
            from pretrain.planning import plan

            plan(job)
        elif launch.rank():
            runner.follow(job)
        else:
            runner.run(job)
    return 0


def _plan(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    return _run(parser, ["--dry-run", *words], console)


def _preview(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    from pretrain.commands import preview

    _recipe_arguments(parser)
    preview.arguments(parser)
    preview.show(_parse(parser, words), console)
    return 0


def _batch(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    from pretrain.commands import batch

    _recipe_arguments(parser)
    batch.arguments(parser)
    batch.show(_parse(parser, words), console)
    return 0


def _replay(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    from pretrain.commands import replay

    replay.arguments(parser)
    replay.act(_parse(parser, words), console)
    return 0


def _recipe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a YAML file, or the name of a shipped recipe (maskwright recipes)")
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="an input, text='*.txt', or any key: train.steps=500",
    )
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="where runs and artefacts live (runs)"
    )


def _stage_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="STAGE", help="this stage alone")
    parser.add_argument("--from", dest="first", metavar="STAGE", help="this stage and those after it")
    parser.add_argument("--until", metavar="STAGE", help="stages up to this one")


def _explain(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    parser.add_argument("key", help="a recipe key: train.masking.budget, or just budget")
    from pretrain.recipe import explain

    console.print(explain(_parse(parser, words).key), markup=False, highlight=False)
    return 0


def _recipes(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    _parse(parser, words)
    from pretrain.recipe import shipped

    for name, line in shipped():
        console.print(f"[bold]{name:24}[/] ", end="")
        console.print(line, markup=False, highlight=False)
    return 0


def _verify(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="an artefact, a folder of them, or a run's folder"
    )
    from corpora.artefact import Artefact
    from corpora.manifest import MANIFEST
    from pretrain.folders import remembered

    for path in _parse(parser, words).paths:
        found = sorted(inner.parent for inner in path.resolve().rglob(MANIFEST))
        found += [(path / str(note["artefact"])).resolve() for note in remembered(path).values()]
        if not found:
            raise UsageError(f"{path} holds no artefact: no {MANIFEST} in it or below it")
        for place in found:
            artefact = Artefact.open(place)
            artefact.verify()
            size = sum(record.size for record in artefact.files.values()) / 1e6
            console.print(
                f"[green]intact[/] {place}: {len(artefact.files)} files, {size:,.1f} MB", highlight=False
            )
    return 0


def _corpora(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    from pretrain.commands import corpora

    corpora.arguments(parser)
    corpora.show(_parse(parser, words), console)
    return 0


def _show(parser: argparse.ArgumentParser, words: Sequence[str], console: Console) -> int:
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a token set, or the folder of a run with one"
    )
    parser.add_argument("-n", dest="count", type=_count, default=5, metavar="ROWS", help="how many rows (5)")
    parser.add_argument("--split", default="train", help="train, or validation")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--row", type=_count, metavar="NUMBER", help="the first row to show (0)")
    where.add_argument("--random", type=_count, metavar="SEED", help="rows drawn at random")
    given = _parse(parser, words)
    from pretrain.showing import choose, open_tokens, show

    tokens = open_tokens(given.path, given.split)
    for line in show(tokens, choose(tokens, given.count, given.row, given.random)):
        console.print(line)
    return 0


def _count(text: str) -> int:
    """A whole number of 0 or more, for argparse."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)


def _parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Parse; options and KEY=VALUE may come in any order."""
    if dashed := [word for word in words if word.startswith("--") and "." in word.partition("=")[0]]:
        raise UsageError(
            f"{dashed[0]}: keys of the recipe are written without dashes: {dashed[0].lstrip('-')}"
        )
    return parser.parse_intermixed_args(words)


def _fail(error: MaskwrightError) -> int:
    with contextlib.suppress(BrokenPipeError):
        print(f"{_label(error)}: {error}", file=sys.stderr)
    return error.exit_code


def _cannot(error: OSError) -> int:
    """A disk that is full, or a place that may not be written to; anything else is a surprise."""
    if error.filename:
        known = disk.cannot_write(error, Path(error.filename))
        return _fail(known) if known else _surprise(error)
    if error.errno not in disk.NO_SPACE:
        return _surprise(error)
    hush()  # files say their names
    return _fail(CannotWrite(f"cannot write to the standard output ({error.strerror})"))


def _label(error: MaskwrightError) -> str:
    return (
        "interrupted"
        if isinstance(error, Interrupted)
        else "bad data"
        if isinstance(error, BadData)
        else "error"
    )


def _surprise(error: Exception) -> int:
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


Command = Callable[[argparse.ArgumentParser, Sequence[str], Console], int]

COMMANDS: Mapping[str, tuple[str, Command]] = {
    "run": ("run a recipe: do what is not done yet, go on where it stopped", _run),
    "plan": ("show what a run would do: stages, tokens, steps, disk, memory, time", _plan),
    "preview": ("show masked rows as training reads them, and what is masked over many", _preview),
    "batch": ("rebuild the batch of any step of training, and name its documents", _batch),
    "replay": ("take a step of a run that diverged again, to where it first goes wrong", _replay),
    "recipes": ("list the shipped recipes", _recipes),
    "explain": ("what a key of a recipe means, its type, default and range", _explain),
    "corpora": ("what became of the text: counts, reasons, lengths, random documents, rejects", _corpora),
    "show": ("print rows of a token set: words, segments, documents, unknown characters", _show),
    "verify": ("check every byte of artefacts against their manifests", _verify),
}

if __name__ == "__main__":
    sys.exit(main())
