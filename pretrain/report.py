"""The page at the end of a run, `report.html`: what was made and every measured curve, self-contained."""

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from corpora.artefact import Artefact
from corpora.stage import JSON
from pretrain import notes
from pretrain.recipe import Recipe

Point = tuple[float, float]  # (step, value)

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 420, 210, 58, 26, 12  # of one plot, and its margins, in pixels
NOT_CURVES = {"step", "seconds", "epoch"}
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.2rem; border-bottom: 1px solid #d8dee4 } .soft { color: #57606a }
table { border-collapse: collapse } details { margin: .4rem 0 }
td, th { text-align: left; padding: .3rem 1rem .3rem 0; vertical-align: top }
th { font-weight: 600; border-bottom: 1px solid #d8dee4 }
code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { background: #f6f8fa; padding: 1rem; overflow: auto }
figure { display: inline-block; margin: .6rem } figcaption { font-weight: 600; font-size: 13px }
svg text { font: 11px system-ui, sans-serif; fill: #57606a }
"""


def write_report(folder: Path, recipe: Recipe, made: Sequence[tuple[str, Artefact]]) -> Path:
    """Write `report.html` into a run's folder from its artefacts and its `metrics.jsonl`; the page's path."""
    body = [
        f"<h1>{html.escape(recipe.name)}</h1>",
        f"<p class=soft>{html.escape(recipe.description)}</p>",
        "<h2>What was made</h2>",
        _table(("stage", "what", "fingerprint"), [(name, a.summary, a.fingerprint) for name, a in made]),
        *_curves(notes.rows(folder / "metrics.jsonl")),
        "<h2>Figures</h2>",
        *(_details(name, artefact.facts) for name, artefact in made if artefact.facts),
        "<h2>Effective recipe</h2>",
        f"<pre>{html.escape(recipe.effective())}</pre>",
    ]
    page = (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(recipe.name)}</title><style>{STYLE}</style>"
    )
    path = folder / "report.html"
    notes.write(path, page + "\n".join(body))
    return path


def plot(points: Sequence[Point], title: str) -> str:
    """One curve as an inline SVG figure.

    >>> "polyline" in plot([(0, 8.5), (100, 6.5)], "loss")
    True
    """
    (x0, x1), (y0, y1) = _range(x for x, _ in points), _range(y for _, y in points)

    def place(x: float, y: float) -> str:
        across = LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - 8)
        down = HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - BOTTOM - TOP)
        return f"{across:.1f},{down:.1f}"

    marks = []
    for part in (0, 0.5, 1):
        y, x = y0 + part * (y1 - y0), x0 + part * (x1 - x0)
        left, low = place(x0, y).split(","), place(x, y0).split(",")
        marks.append(
            f'<line x1="{left[0]}" x2="{WIDTH - 8}" y1="{left[1]}" y2="{left[1]}" stroke="#eaeef2"/>'
        )
        marks.append(
            f'<text x="{LEFT - 6}" y="{float(left[1]) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
        )
        anchor = "end" if part == 1 else "middle"
        marks.append(f'<text x="{low[0]}" y="{HEIGHT - 8}" text-anchor="{anchor}">{x:,.0f}</text>')
    line = " ".join(place(x, y) for x, y in points)
    return (
        f"<figure><figcaption>{html.escape(title)}</figcaption>"
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(marks)}'
        f'<polyline points="{line}" fill="none" stroke="#0969da" stroke-width="1.6"/></svg></figure>'
    )


def _short(value: float) -> str:
    """A number that fits beside an axis."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _curves(rows: Iterable[Mapping[str, JSON]]) -> list[str]:
    """A plot for every measure that has at least two points over the steps, stage by stage."""
    series: dict[tuple[str, str], list[Point]] = {}
    for row in rows:
        for key, value in row.items():
            drawn = isinstance(value, int | float) and math.isfinite(value)
            if "step" in row and key not in NOT_CURVES and drawn:
                series.setdefault((str(row["stage"]), key), []).append((row["step"], value))
    parts: list[str] = []
    heading = ""
    for (stage, key), points in series.items():
        if len(points) > 1:
            if stage != heading:
                parts.append(f"<h2>Curves: {html.escape(stage)}</h2>")
                heading = stage
            parts.append(plot(points, key))
    return parts


def _range(values: Iterable[float]) -> tuple[float, float]:
    low, high = min(known := list(values)), max(known)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _table(headings: Sequence[str], rows: Iterable[Sequence[JSON]]) -> str:
    head = "".join(f"<th>{html.escape(word)}" for word in headings)
    lines = ("".join(f"<td>{html.escape(str(value))}" for value in row) for row in rows)
    return f"<table><tr>{head}{''.join(f'<tr>{line}' for line in lines)}</table>"


def _details(name: str, facts: Mapping[str, JSON]) -> str:
    text = json.dumps(facts, indent=1, ensure_ascii=False)
    return f"<details><summary>{html.escape(name)}</summary><pre>{html.escape(text)}</pre></details>"
