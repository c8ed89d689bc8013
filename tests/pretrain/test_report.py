"""The page of a run: complete, escaped, and drawn from what was measured."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.artefact import Artefact
from pretrain.chain import chain
from pretrain.recipe import Recipe
from pretrain.report import plot, write_report
from pretrain.store import Store
from tests.pretrain.roof import finish, recipe


@pytest.fixture
def toy(tmp_path: Path) -> Recipe:
    (tmp_path / "<text>.txt").write_text("text")
    return recipe(tmp_path / "<text>.txt")


@pytest.fixture
def made(toy: Recipe, tmp_path: Path) -> list[tuple[str, Artefact]]:
    return [(link.name, finish(link, {"<b>": 1})) for link in chain(toy, Store(tmp_path))]


def test_the_page_names_what_was_made(toy: Recipe, made: list[tuple[str, Artefact]], tmp_path: Path) -> None:
    page = write_report(tmp_path, toy, made).read_text("utf-8")
    for name, artefact in made:
        assert f"<td>{name}<td>{name} is made<td>{artefact.fingerprint}" in page
    assert "&lt;text&gt;.txt" in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "<text>" not in page
    assert "polyline" not in page
    assert not list(tmp_path.glob("*.writing"))


def test_measures_over_steps_are_drawn(toy: Recipe, tmp_path: Path) -> None:
    rows = [
        *({"stage": "learn", "step": n, "loss": 1 / n, "seconds": n, "note": "x"} for n in (1, 2, 3)),
        {"stage": "learn", "step": 3, "alone": 1.0},
        {"stage": "learn", "step": 4, "loss": float("nan")},
        {"stage": "tune", "loss": 0.5},
    ]
    lines = "\n".join(map(json.dumps, rows)) + '\n{"stage": "learn", "st'  # torn by a kill
    (tmp_path / "metrics.jsonl").write_text(lines)
    page = write_report(tmp_path, toy, []).read_text("utf-8")
    assert page.count("<polyline") == 1
    assert page.count("<figcaption>loss<") == 1
    assert page.count("Curves: learn") == 1
    assert "nan" not in page


Number = st.floats(-1e9, 1e9)


@given(st.lists(st.tuples(st.integers(0, 10**7), Number), min_size=1, max_size=9))
def test_curves_stay_inside_their_frame(points: list[tuple[int, float]]) -> None:
    figure = ET.fromstring(plot([(float(x), y) for x, y in points], "<loss> & more"))
    svg = figure.find("svg")
    assert svg is not None
    line = svg.find("polyline")
    assert line is not None
    drawn = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(drawn) == len(points)
    wide, high = float(svg.attrib["width"]), float(svg.attrib["height"])
    assert all(0 <= x <= wide and 0 <= y <= high for x, y in drawn)
    by_value = sorted(zip((y for _, y in points), (y for _, y in drawn), strict=True))
    assert [y for _, y in by_value] == sorted((y for _, y in drawn), reverse=True)
