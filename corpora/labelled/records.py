"""JSON values of a file, however laid out: one a line, printed over several lines, or in one array."""

import json
import re
from collections.abc import Iterator
from typing import Any

from corpora.document import Unreadable
from corpora.errors import BadData
from corpora.lines import lines
from corpora.places import Place

SPACE = re.compile(r"\s*")
DECODER = json.JSONDecoder()


def records(place: Place) -> Iterator[tuple[int, Any] | Unreadable]:
    """Yield (line where it begins, value); the values of an array that is the whole file, one by one.

    The file is held in memory: labelled sets are small. After what is no JSON, reading goes on in the next
    line.

    Raises:
        BadData: the file cannot be read; an array is broken within.
    """
    text = "\n".join(line for _, line in lines(place))
    at = _skip(text, 0)
    in_array = text.startswith("[", at)
    at = _skip(text, at + 1) if in_array else at
    line, counted = 1, 0
    while at < len(text) and not (in_array and text.startswith("]", at)):
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = DECODER.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            complaint = f"not JSON ({error.args[0]})"
            if in_array:
                raise BadData(f"{place}:{line}: {complaint}, in the array that the file is") from error
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            yield Unreadable("bad_record", line, text[at:end], complaint)
        else:
            yield line, value
        at = _skip(text, end)
        at = _skip(text, at + 1) if in_array and text.startswith(",", at) else at


def _skip(text: str, at: int) -> int:
    return SPACE.match(text, at).end()  # type: ignore[union-attr] # it matches everywhere
