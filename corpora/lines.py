"""Lines of a text file, strictly: plain or compressed, UTF-8 only, ended by LF or CRLF and by nothing else.

Python's own text mode also ends lines at a lone CR, and `str.splitlines` at eight more characters (U+2028,
form feed ...), which shifts every line number after it. Damage is an error with its place, never a shorter
text.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from corpora.errors import BadData

LONGEST_LINE = 16 << 20
"""Bytes of one line that are held in memory; a longer one comes in pieces (see `lines`)."""


def lines(path: Path, longest: int = LONGEST_LINE) -> Iterator[tuple[int, str]]:
    """Yield (1-based number, line without its end) of a UTF-8 file, without a leading byte order mark.

    A line of over `longest` bytes comes as several pieces under one number, cut between characters.

    Raises:
        BadData: the file cannot be read, its compression is damaged or cut short, or it is not UTF-8.
    """
    offset, number, kept = 0, 1, b""
    with open_bytes(path) as file:
        for raw in _pieces(file, path, longest):
            piece = kept + raw
            whole = raw.endswith(b"\n")
            piece, kept = (piece, b"") if whole else _cut_between_characters(piece)
            text = _decode(piece, path, number, offset)
            yield number, _without_end(text.removeprefix("\ufeff") if offset == 0 else text)
            offset += len(piece)
            number += whole
        if kept:
            _decode(kept, path, number, offset)


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading what is inside its compression (.gz, .zst, .bz2, .xz, by the name's end)."""
    opener = OPENERS.get(path.suffix.lower(), _open_plain)
    try:
        return opener(path)
    except OSError as error:
        raise BadData(f"cannot read {path}: {error.strerror or error}") from error


def _open_plain(path: Path) -> BinaryIO:
    return path.open("rb")


def _open_zstd(path: Path) -> BinaryIO:
    import pyarrow

    # pyarrow, since it reports a truncated frame: zstandard's reader ends there without a word.
    return cast(BinaryIO, io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd"), 1 << 20))


OPENERS: dict[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast(BinaryIO, gzip.GzipFile(path)),
    ".bz2": lambda path: cast(BinaryIO, bz2.BZ2File(path)),
    ".xz": lambda path: cast(BinaryIO, lzma.LZMAFile(path)),  # noqa: SIM115 (the caller closes it)
    ".zst": _open_zstd,
}


def _pieces(file: BinaryIO, path: Path, longest: int) -> Iterator[bytes]:
    """Lines with their ends, in pieces of at most `longest` bytes."""
    try:
        while raw := file.readline(longest):
            yield raw
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadData(
            f"{path} is damaged or cut short ({error}); nothing of it was used: fetch or compress it again"
        ) from error


def _cut_between_characters(piece: bytes) -> tuple[bytes, bytes]:
    """Split off the bytes of a character that goes on in the next piece (at most three)."""
    for back in range(1, min(4, len(piece)) + 1):
        byte = piece[-back]
        if byte & 0xC0 == 0xC0:  # first byte of a character of 2, 3 or 4 bytes
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return (piece, b"") if back >= length else (piece[:-back], piece[-back:])
        if byte < 0x80:
            break
    return piece, b""


def _decode(piece: bytes, path: Path, number: int, offset: int) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError as error:
        bad = piece[error.start : error.start + 4].hex(" ")
        raise BadData(
            f"{path}:{number}: not UTF-8 at byte {offset + error.start} (found {bad}); "
            "convert the file (iconv -f GB18030 -t UTF-8, if it is Chinese from Windows)"
        ) from error


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r") if line.endswith("\n") else line
