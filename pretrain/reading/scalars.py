"""Plain words of YAML 1.2 (core schema): which are numbers, which are text.

YAML 1.1, PyYAML's own reading, makes `no` a boolean, `1e-4` text and `010` eight. Here `no` is text, `1e-4` a
number, and `010` an error, because readers do not agree on it. `1_000_000` is a number, as in Python.
"""

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
}
_DIGITS = r"[0-9]+(?:_[0-9]+)*"
_WHOLE = re.compile(rf"[-+]?{_DIGITS}")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_DECIMAL = re.compile(rf"[-+]?(?:\.{_DIGITS}|{_DIGITS}(?:\.(?:{_DIGITS})?)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST = 100  # characters of a number; Python itself refuses to read 4,300 digits


def scalar(text: str) -> Scalar:
    """The value of an unquoted word.

    Raises:
        ValueError: a number with a leading zero, or of more than 100 characters.

    >>> [scalar(word) for word in ("1e-4", "1_000", "no", "0x10", "~", "1.0.0")]
    [0.0001, 1000, 'no', 16, None, '1.0.0']
    """
    if text in _WORDS:
        return _WORDS[text]
    if not (_WHOLE.fullmatch(text) or _BASED.fullmatch(text) or _DECIMAL.fullmatch(text)):
        return text
    if len(text) > _LONGEST:
        raise ValueError(f"a number of {len(text)} characters; put it in quotes if it is text")
    if _BASED.fullmatch(text):
        return int(text, 0)
    return _whole(text) if _WHOLE.fullmatch(text) else float(text)


def _whole(text: str) -> int:
    """A decimal whole number; `010` is ten to some readers and eight to others, so it is refused."""
    digits = text.lstrip("+-")
    if digits.startswith("0") and digits.strip("0_"):
        plain, octal = int(text), digits.replace("_", "").lstrip("0")
        other = f" or 0o{octal} (octal)" if not set(octal) & set("89") else ""
        raise ValueError(f"got {text}; write {plain}{other}, or '{text}' in quotes if it is text")
    return int(text)
