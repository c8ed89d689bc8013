"""The plot of a comparison, as SVG: a row for each arm, a dot for each seed, mean and standard deviation."""

import html
from collections.abc import Iterator, Sequence

from pretrain.comparing.table import Table
from pretrain.report.chart import nice

WIDTH, ROW, TOP, BOTTOM, RIGHT = 760, 40, 48, 56, 24
LETTER = 7.2  # width of a letter beside the plot, in pixels; Chinese ones are twice as wide
LONGEST = 46  # letters of a label
COLOURS = ("#0969da", "#d1590a", "#1a7f37", "#a13bb8", "#b08800", "#0e8a8a", "#cf222e", "#6e7781")
STYLE = (
    "text{font:13px system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;fill:#1f2328}"
    ".soft{fill:#59636e;font-size:12px}.grid{stroke:#e8ecf0}.first{stroke:#59636e;stroke-dasharray:4 4}"
)


def plot(table: Table) -> str:
    """The picture; arms without a score have a row without dots."""
    names = [_shortened(table.arms[line.arm]) for line in table.lines]
    left = 28 + LETTER * max(sum(2 if ord(letter) > 0x2E7F else 1 for letter in name) for name in names)
    height = TOP + ROW * len(names) + BOTTOM
    ticks = nice(*_bounds(table))
    drawn = "".join([*_frame(table, ticks, left, height), *_rows(table, names, ticks, left)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img"><style>{STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n'
    )


def _bounds(table: Table) -> tuple[float, float]:
    """The lowest and the highest that is drawn, times 100."""
    ends = []
    for line in table.lines:
        if (scores := line.scores.get(table.measure)) and scores.runs:
            ends += [*scores.runs.values(), scores.mean - (scores.std or 0), scores.mean + (scores.std or 0)]
    return (100 * min(ends), 100 * max(ends)) if ends else (0.0, 100.0)


def _across(value: float, ticks: Sequence[float], left: float) -> float:
    return left + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (WIDTH - left - RIGHT)


def _frame(table: Table, ticks: Sequence[float], left: float, height: int) -> Iterator[str]:
    """Title, grid, numbers, and a line at the mean of the first arm."""
    foot = height - BOTTOM
    yield f'<text x="16" y="26" font-weight="600">{html.escape(_shortened(table.title, 90))}</text>'
    for value in ticks:
        x = _across(value, ticks, left)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{foot}"/>'
        yield f'<text class="soft" x="{x:.1f}" y="{foot + 18}" text-anchor="middle">{value:.4g}</text>'
    said = (
        f"{table.measure} × 100; dots are seeds, bars mean ± standard deviation, dashed the first arm's mean"
    )
    yield f'<text class="soft" x="16" y="{height - 14}">{html.escape(said)}</text>'
    first = table.lines[0].scores.get(table.measure)
    if first and first.runs:
        yield f'<path class="first" d="M{_across(100 * first.mean, ticks, left):.1f} {TOP}V{foot}"/>'


def _rows(table: Table, names: Sequence[str], ticks: Sequence[float], left: float) -> Iterator[str]:
    for number, (line, name) in enumerate(zip(table.lines, names, strict=True)):
        y, colour = TOP + ROW * (number + 0.5), COLOURS[number % len(COLOURS)]
        yield f'<text x="{left - 14:.1f}" y="{y + 4.5:.1f}" text-anchor="end">{html.escape(name)}</text>'
        scores = line.scores.get(table.measure)
        if scores is None or not scores.runs:
            yield f'<text class="soft" x="{left + 8:.1f}" y="{y + 4.5:.1f}">every seed diverged</text>'
            continue
        mean = _across(100 * scores.mean, ticks, left)
        if scores.std is not None:
            low, high = (_across(100 * (scores.mean + s * scores.std), ticks, left) for s in (-1, 1))
            yield f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{colour}" stroke-width="2"/>'
        yield f'<path d="M{mean:.1f} {y - 9}V{y + 9}" stroke="{colour}" stroke-width="3"/>'
        for place, (seed, value) in enumerate(sorted(scores.runs.items())):
            x, lifted = _across(100 * value, ticks, left), y + (place % 3 - 1) * 5
            yield (
                f'<circle cx="{x:.1f}" cy="{lifted:.1f}" r="4" fill="{colour}" fill-opacity=".55">'
                f"<title>seed {seed}: {100 * value:.2f}</title></circle>"
            )


def _shortened(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
