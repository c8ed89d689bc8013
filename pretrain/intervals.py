"""How often: a number of steps, or a time that a person can read."""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

UNITS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


def seconds_of(interval: int | str) -> float | None:
    """Seconds of a time; None for a number of steps.

    >>> seconds_of("30 minutes"), seconds_of("1.5 hours"), seconds_of(1000)
    (1800.0, 5400.0, None)
    """
    if isinstance(interval, int):
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([a-z]+?)s?", interval.strip())
    if found is None or found[2] not in UNITS or not float(found[1]):
        raise ValueError(f'{interval!r} is neither a number of steps nor a time such as "30 minutes"')
    return float(found[1]) * UNITS[found[2]]


def _readable(interval: int | str) -> int | str:
    seconds_of(interval)
    return interval


Interval: TypeAlias = Annotated[int, Field(ge=1)] | Annotated[str, AfterValidator(_readable)]
"""Steps, or seconds, minutes or hours."""
