"""What every reader of labelled data yields: a row as it stands in the file, its label as it is spelt."""

from typing import NamedTuple

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


def span(text: str, start: int, end: int, kind: str, said: str | None = None) -> Span:
    """A passage of `text`, checked.

    Raises:
        ValueError: it is not within the text, has no type, or is not what the file says (`said`) it is.
    """
    if not 0 <= start < end <= len(text):
        raise ValueError(f"a span from {start} to {end} does not lie in a text of {len(text)} characters")
    if said is not None and text[start:end] != said:
        raise ValueError(f"the span from {start} to {end} is {text[start:end]!r}, the file says {said!r}")
    if not kind:
        raise ValueError(f"the span {text[start:end]!r} from {start} to {end} has no type")
    return Span(start, end, kind)
