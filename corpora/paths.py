"""From a recipe's words to files: plain paths, globs, `{a,b}`, files of installed packages.

`package:NAME/inner/path` is a file that the installed package NAME carries. The package is found but never
imported: a package may do anything when it is imported, and data should not.
"""

import difflib
import glob
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path

from corpora.errors import BadData

PACKAGE = "package:"
ALTERNATIVES = re.compile(r"\{([^{}]*,[^{}]*)\}")


def resolve(path: str) -> list[Path]:
    """The files that `path` names, sorted within each alternative, alternatives in the order written.

    Raises:
        BadData: an alternative matches nothing, matches a folder, or two match the same file.
    """
    found = [file for alternative in expand_braces(path) for file in _matches(alternative)]
    refuse_repeats(found)
    return found


def expand_braces(path: str) -> list[str]:
    """Spell `{a,b}` out, as a shell does.

    >>> expand_braces("{pos,neg}.{txt,tsv}")
    ['pos.txt', 'pos.tsv', 'neg.txt', 'neg.tsv']
    """
    braces = ALTERNATIVES.search(path)
    if braces is None:
        return [path]
    start, end = braces.span()
    choices = braces[1].split(",")
    return [whole for choice in choices for whole in expand_braces(path[:start] + choice + path[end:])]


def _matches(path: str) -> list[Path]:
    place = _in_package(path) if path.startswith(PACKAGE) else Path(path).expanduser()
    # A name that exists is meant literally, even with [ or * in it.
    names = [str(place)] if _exists(place) else sorted(glob.glob(str(place), recursive=True))
    if not names:
        raise BadData(f"{path} names no file{_nearest(place)}")
    files = [Path(name) for name in names]
    if glob.has_magic(path) and len(files) > 1:
        files = [file for file in files if not file.is_dir()]  # ** matches folders too
    for file in files:
        _check_readable(file)
    return files


def _in_package(path: str) -> Path:
    """The place of `package:NAME/inner/path` on this machine."""
    package, _, inner = path.removeprefix(PACKAGE).partition("/")
    known = package.isidentifier() and importlib.util.find_spec(package)
    if not known or not known.submodule_search_locations:
        raise BadData(
            f"{path}: package {package!r} is not installed here; "
            'install it (pip install "maskwright[demo]" brings those of the demo)'
        )
    return Path(next(iter(known.submodule_search_locations)), inner)


def _exists(place: Path) -> bool:
    try:
        return place.exists()
    except OSError:  # a name too long, a folder above it that may not be entered, a loop of links
        return False


def _check_readable(file: Path) -> None:
    if file.is_dir():
        raise BadData(f"{file} is a folder, a file is needed; name its files, as in {file}/*.txt")
    if not file.is_file():
        raise BadData(f"{file} is neither a file nor a link to one")
    try:
        file.open("rb").close()
    except OSError as error:
        raise BadData(f"cannot read {file}: {error.strerror}") from error


def _nearest(place: Path) -> str:
    """The existing name most like the missing one, as the end of a message."""
    folder = next((parent for parent in place.absolute().parents if _exists(parent)), Path("/"))
    missing = place.absolute().relative_to(folder).parts[0]
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        names = []
    near = difflib.get_close_matches(missing, names, n=1)
    return f"; {folder} has {near[0]!r}" if near else f"; {folder} has no {missing!r}"


def refuse_repeats(files: Iterable[Path]) -> None:
    """Raise `BadData` if two names are of one file, also by way of a link."""
    seen: dict[Path, Path] = {}
    for file in files:
        first = seen.setdefault(file.resolve(), file)
        if first is not file:
            raise BadData(f"{file} is named twice (also as {first}); name each file once")


class Unchanged:
    """Notes the state of files, to find out later whether one was changed or replaced while it was read."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Note size, time and identity of each file."""
        self._states = {file: _state(file) for file in files}

    def check(self) -> None:
        """Compare with now.

        Raises:
            BadData: a file was changed, replaced or removed.
        """
        for file, state in self._states.items():
            if _state(file) != state:
                raise BadData(f"{file} was changed while it was read; run again when nothing writes to it")


def _state(file: Path) -> tuple[int, ...]:
    try:
        stat = file.stat()
    except OSError as error:
        raise BadData(f"cannot read {file}: {error.strerror}") from error
    return stat.st_size, stat.st_mtime_ns, stat.st_ino
