"""Charts: well-formed, inside their frame, true to their numbers."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrain.report.chart import (
    HEIGHT,
    MOST_POINTS,
    WIDTH,
    Chart,
    Line,
    nice,
    percent,
    short,
    smoothed,
    thinned,
)

Number = st.floats(-1e9, 1e9)
Points = st.lists(st.tuples(st.integers(0, 10**7), Number), min_size=1, max_size=9)


def paths(figure: str) -> list[list[tuple[float, float]]]:
    """The points of each line, as drawn."""
    found = re.search(r"<svg viewBox.*?</svg>", figure, re.DOTALL)
    assert found
    svg = ET.fromstring(found[0])
    drawn = (path.attrib["d"] for path in svg.iter("path") if "line" in path.attrib["class"])
    return [[(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", d)] for d in drawn]


@given(Points)
def test_lines_stay_inside_their_frame_and_keep_their_order(points: list[tuple[int, float]]) -> None:
    (drawn,) = paths(Chart("<loss> & more", [Line("<a>", [(float(x), y) for x, y in points])]).svg())
    assert len(drawn) == len(points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    by_value = sorted(zip((y for _, y in points), (y for _, y in drawn), strict=True))
    assert [y for _, y in by_value] == sorted((y for _, y in drawn), reverse=True)


@given(Number, Number)
def test_round_numbers_enclose_a_range(one: float, other: float) -> None:
    low, high = sorted((one, other))
    ticks = nice(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1e-9)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 9
    assert all(a < b for a, b in pairwise(ticks))


@given(Points)
def test_the_grid_stays_inside_too(points: list[tuple[int, float]]) -> None:
    figure = Chart("loss", [Line("a", [(float(x), y) for x, y in points])]).svg()
    downs = [float(down) for down in re.findall(r'class="grid" d="M\d+ ([\d.-]+)H', figure)]
    assert len(downs) >= 2
    assert all(0 <= down <= HEIGHT for down in downs)


def test_names_are_text_and_baselines_go_all_the_way() -> None:
    lines = [Line("<b>", [(5, 1.0), (10, 2.0)]), Line("base", [(10, 1.5)], 1, dashed=True)]
    figure = Chart("<i>", lines, note="&").svg()
    assert "<b>" not in figure
    assert "<i>" not in figure
    assert "&lt;b&gt;, step 10: 2" in figure
    line, base = paths(figure)
    assert base[0][0] < line[0][0]
    assert base[-1][0] == line[-1][0]


def test_nothing_measured_nothing_drawn() -> None:
    assert Chart("loss", [Line("a", []), Line("base", [(0, 0.5)], dashed=True)]).svg() == ""


def test_a_band_is_around_its_line() -> None:
    figure = Chart("rate", [Line("rate", [(1, 0.15), (2, 0.16)], band=[0.02, 0.04])]).svg()
    assert 'class="band c0"' in figure
    assert "0.2" in figure


def test_thinning_keeps_spikes_and_ends() -> None:
    points = [(float(x), 1.0) for x in range(10_000)]
    points[777] = (777.0, 99.0)
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS + 1
    assert (777.0, 99.0) in kept
    assert kept[-1] == points[-1]
    assert kept == sorted(kept)


@given(Points)
def test_a_smoothed_line_stays_between_its_values(points: list[tuple[float, float]]) -> None:
    values = [y for _, y in points]
    slack = 1e-6 * max(map(abs, values)) + 1e-12
    assert all(min(values) - slack <= y <= max(values) + slack for _, y in smoothed(points))
    assert smoothed(points)[0][1] == pytest.approx(values[0])


def test_numbers_beside_axes() -> None:
    assert [short(v) for v in (0, 6.5, 12_000, 2.5e6, 1e-4, -3)] == [
        "0",
        "6.5",
        "12k",
        "2.5M",
        "0.0001",
        "-3",
    ]
    assert percent(0.125) == "12.5%"
