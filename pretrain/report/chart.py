"""A line chart as inline SVG: nothing to install, sharp at any size, light and dark with the page.

A point's figures show when the mouse rests on it. Colours are classes, which the page's style gives them.
"""

import html
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]  # (step, value)

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 220, 50, 14, 12, 26  # of a chart, and its margins
MOST_POINTS = 400  # of a line as drawn
MOST_NOTES = 120  # points that tell their figures
COLOURS = 8


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    name: str
    points: Sequence[Point]
    colour: int = 0  # of the palette
    dashed: bool = False  # a baseline
    faint: bool = False  # the raw values behind a smoothed line, without a place in the legend
    band: Sequence[float] = ()  # half the height of a band around it


@dataclass(frozen=True)
class Chart:
    """Lines over the steps."""

    title: str
    lines: Sequence[Line]
    write: Callable[[float], str] = field(default=lambda value: short(value))
    least: float | None = None  # the vertical axis begins here at the latest
    note: str = ""

    def svg(self) -> str:
        """The chart as a figure of HTML; "" if no line but baselines has a point."""
        lines = [line for line in self.lines if line.points]
        if all(line.dashed for line in lines):
            return ""
        frame = Frame.around(lines, self.least)
        drawn = "".join([*frame.axes(self.write), *(_drawn(line, frame, self.write) for line in lines)])
        named = [line for line in lines if not line.faint]
        legend = "".join(map(_key, named)) if len(named) > 1 else ""
        note = f"<small>{html.escape(self.note)}</small>" if self.note else ""
        return (
            f"<figure><figcaption>{html.escape(self.title)}{note}</figcaption>"
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{drawn}</svg>'
            f"<div class=legend>{legend}</div></figure>"
        )


@dataclass(frozen=True)
class Frame:
    """From steps and values to places of the drawing; steps begin at 0."""

    last: float  # step
    ticks: Sequence[float]  # beside the vertical axis, from its foot to its top

    @classmethod
    def around(cls, lines: Sequence[Line], least: float | None) -> "Frame":
        """The smallest with round numbers at its edges that holds all lines."""
        steps = [x for line in lines for x, _ in line.points]
        values = [y for line in lines for y in _heights(line)]
        low = min([*values, *([] if least is None else [least])])
        high = max([*values, *([] if least is None else [least])])
        return cls(max([*steps, 1.0]), nice(low, high))

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Across and down."""
        y0, y1 = self.ticks[0], self.ticks[-1]
        across = LEFT + x / self.last * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - BOTTOM - TOP)

    def axes(self, write: Callable[[float], str]) -> Iterator[str]:
        """Grid and numbers."""
        for value in self.ticks:
            _, down = self.place(0, value)
            yield f'<path class="grid" d="M{LEFT} {down:.1f}H{WIDTH - RIGHT}"/>'
            said = html.escape(write(value))
            yield f'<text x="{LEFT - 7}" y="{down + 3.5:.1f}" text-anchor="end">{said}</text>'
        for step in nice(0, self.last, 4):
            if step <= self.last:
                across, _ = self.place(step, self.ticks[0])
                anchor = "end" if across > WIDTH - RIGHT - 16 else "middle"
                yield f'<text x="{across:.1f}" y="{HEIGHT - 9}" text-anchor="{anchor}">{short(step)}</text>'


def nice(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers, evenly apart, around a range.

    >>> nice(0.12, 0.87)
    [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    """
    if not high > low:
        low, high = (low - abs(low) / 2, low + abs(low) / 2) if low else (0.0, 1.0)
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def short(value: float) -> str:
    """A number that fits beside an axis: `6.5`, `12k`, `1e-4`."""
    size = abs(value)
    for unit, word in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= unit:
            return f"{value / unit:.4g}{word}"
    return "0" if size < 1e-12 else f"{value:.3g}" if size >= 1e-3 else f"{value:.2g}".replace("e-0", "e-")


def percent(value: float) -> str:
    """A share."""
    return f"{100 * value:.3g}%"


def smoothed(points: Sequence[Point]) -> list[Point]:
    """A running mean that looks back over a fiftieth of the points."""
    keep, total, weight, result = 1 - 1 / max(1.0, len(points) / 50), 0.0, 0.0, list[Point]()
    for x, y in points:
        total, weight = keep * total + (1 - keep) * y, keep * weight + (1 - keep)
        result.append((x, total / weight))
    return result


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Few enough points to draw: of each stretch the lowest and the highest, so that no spike is lost."""
    if len(points) <= most:
        return list(points)
    kept, size = list[Point](), 2 * len(points) / most
    for number in range(most // 2):
        some = points[int(number * size) : int((number + 1) * size)]
        kept += sorted({min(some, key=lambda p: p[1]), max(some, key=lambda p: p[1])})
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _heights(line: Line) -> Iterable[float]:
    if line.band:
        return (
            y + side * half for (_, y), half in zip(line.points, line.band, strict=True) for side in (-1, 1)
        )
    return (y for _, y in line.points)


def _drawn(line: Line, frame: Frame, write: Callable[[float], str]) -> str:
    kind = " dashed" if line.dashed else " faint" if line.faint else ""
    points = thinned(line.points)
    if line.dashed:  # a baseline holds everywhere
        points = [(0, points[0][1]), *points, (frame.last, points[-1][1])]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (frame.place(*point) for point in points))
    parts = [_band(line, frame)] if line.band else []
    parts.append(f'<path class="line c{line.colour % COLOURS}{kind}" d="M{path}"/>')
    if not line.faint:
        parts += [_note(line.name, point, frame, write) for point in thinned(line.points, MOST_NOTES)]
    if len(line.points) <= 24 and not (line.dashed or line.faint):
        dots = (frame.place(*point) for point in line.points)
        parts += [
            f'<circle class="dot c{line.colour % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="2.4"/>'
            for x, y in dots
        ]
    return "".join(parts)


def _band(line: Line, frame: Frame) -> str:
    ranges = list(zip(line.points, line.band, strict=True))
    ranges = (
        [ranges[int(i * len(ranges) / MOST_POINTS)] for i in range(MOST_POINTS)]
        if len(ranges) > MOST_POINTS
        else ranges
    )
    upper = [frame.place(x, y + half) for (x, y), half in ranges]
    lower = [frame.place(x, y - half) for (x, y), half in reversed(ranges)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in [*upper, *lower])
    return f'<path class="band c{line.colour % COLOURS}" d="M{path}Z"/>'


def _note(name: str, point: Point, frame: Frame, write: Callable[[float], str]) -> str:
    x, y = frame.place(*point)
    said = html.escape(f"{name}, step {point[0]:,.0f}: {write(point[1])}")
    return f'<circle class="note" cx="{x:.1f}" cy="{y:.1f}" r="6"><title>{said}</title></circle>'


def _key(line: Line) -> str:
    dashed = " dashed" if line.dashed else ""
    kind = f"line c{line.colour % COLOURS}{dashed}"
    return (
        f'<span><svg width="22" height="8"><path class="{kind}" d="M1 4H21"/></svg>'
        f"{html.escape(line.name)}</span>"
    )
