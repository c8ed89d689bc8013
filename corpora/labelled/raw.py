"""What every reader of labelled data yields: a row as it stands in the file, its label as it is spelt."""

from typing import Any, NamedTuple

from corpora.labelled.rows import Answer, Span


class Raw(NamedTuple):
    """A row of a file. What is not known of it is left out."""

    line: int  # from 1, where it stands
    text: str
    second: str | None = None
    label: str | float | None = None  # name of a class, or a number to predict
    spans: tuple[Span, ...] = ()
    answers: tuple[Answer, ...] = ()
    tokens: tuple[tuple[int, int], ...] = ()
    id: str = ""


def place(found: Any) -> int:  # noqa: ANN401 - what JSON holds
    """A place in a text, as a file says it.

    Raises:
        ValueError: it is no whole number.
    """
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    raise ValueError(f"a span begins or ends at {found!r}, a whole number is needed, in characters from 0")


def span(text: str, start: Any, end: Any, kind: Any, said: str | None = None) -> Span:  # noqa: ANN401
    """A passage of `text`, checked.

    Raises:
        ValueError: it is not within the text, has no type, or is not what the file says (`said`) it is.
    """
    start, end = place(start), place(end)
    if not 0 <= start < end <= len(text):
        raise ValueError(f"a span from {start} to {end} does not lie in a text of {len(text)} characters")
    if said is not None and text[start:end] != said:
        raise ValueError(f"the span from {start} to {end} is {text[start:end]!r}, the file says {said!r}")
    if not kind:
        raise ValueError(f"the span {text[start:end]!r} from {start} to {end} has no type")
    if not isinstance(kind, str):
        raise ValueError(f"the span from {start} to {end} is of type {kind!r}, a word is needed")
    return Span(start, end, kind)
