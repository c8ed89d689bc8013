"""The tokens in a tokenizer's folder as its files have them, before a library mends them in silence.

`transformers` gives a special token that the files lack a new id behind all others, for which no network has
a row; of a token on two lines it keeps the second; and of two files that disagree it reads one.
"""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from corpora.errors import BadData

LINES, WHOLE = "vocab.txt", "tokenizer.json"
MARK = b"\xef\xbb\xbf"  # byte order mark: it would be part of the first token


def has_vocabulary(folder: Path) -> bool:
    """Whether a folder holds any file that a tokenizer's tokens are read from."""
    named = any((folder / name).is_file() for name in (WHOLE, LINES, "vocab.json"))
    return named or any(folder.glob("*.model"))


def tokens_of(folder: Path) -> Collection[str] | None:
    """The tokens that the files of a folder name; None where they are not plain lists.

    Raises:
        BadData: `tokenizer.json` cannot be read; a line of `vocab.txt` cannot be used, or contradicts it.
    """
    lines, whole = folder / LINES, folder / WHOLE
    listed = _read_lines(lines) if lines.is_file() else None
    if not whole.is_file():
        return listed
    try:
        made = json.loads(whole.read_bytes())
        vocab = made["model"]["vocab"]
        numbers = vocab if isinstance(vocab, dict) else {token: at for at, (token, _) in enumerate(vocab)}
        added = {token["content"]: token["id"] for token in made["added_tokens"]}
    except (ValueError, KeyError, TypeError) as error:
        told = f"{type(error).__name__}: {error}"
        raise BadData(f"{whole} is damaged, or no tokenizer ({told}); copy it once more") from error
    if listed is not None:
        _compare(lines, listed, {**numbers, **added})
    return {*numbers, *added}


def _read_lines(path: Path) -> list[str]:
    """The tokens of a `vocab.txt`, one a line; a carriage return before the line end is part of that."""
    raw = path.read_bytes()
    if raw.startswith(MARK):
        raise BadData(
            f"{path}:1 begins with a byte order mark, which would be part of the first token; save it as "
            "UTF-8 without one"
        )
    try:
        tokens = [line.removesuffix("\r") for line in raw.decode().removesuffix("\n").split("\n")]
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadData(
            f"{path}:{line} is not UTF-8 (byte {error.start} of the file); save it as UTF-8"
        ) from error
    _check_lines(path, tokens)
    return tokens


def _check_lines(path: Path, tokens: Sequence[str]) -> None:
    """Refuse lines without a token and tokens on two lines: the line's number is the token's id."""
    first: dict[str, int] = {}
    for number, token in enumerate(tokens, 1):
        if not token:
            raise BadData(
                f"{path}:{number} is empty; each line is a token and its number the id: take the line out if "
                f"the network was trained without it, else write [unused{number}]"
            )
        if token in first:
            raise BadData(
                f"{path}:{number} repeats {token!r} of line {first[token]}; a token has one id: take the "
                f"line out if the network was trained without it, else write [unused{number}]"
            )
        first[token] = number


def _compare(path: Path, tokens: Sequence[str], numbers: dict[str, int]) -> None:
    """Refuse a `vocab.txt` that was changed while nobody reads it."""
    for number, token in enumerate(tokens):
        if numbers.get(token) != number and not token[-1].isspace():  # `tokenizers` strips those
            found = numbers.get(token)
            there = f"as id {found}" if found is not None else "nowhere"
            raise BadData(
                f"{path}:{number + 1} is {token!r}, which {WHOLE} beside it has {there}; {WHOLE} is what is "
                f"read: take it away to use {LINES}, or take {LINES} away"
            )
