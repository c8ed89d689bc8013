"""The page of a run: complete, escaped, self-contained, and drawn from what was measured."""

import json
from pathlib import Path

import pytest

from corpora.artefact import Artefact
from pretrain import notes, versions
from pretrain.recipe import Recipe
from pretrain.report.page import write_report
from pretrain.running.chain import chain
from pretrain.running.store import Store
from tests.pretrain.roof import finish, recipe

HELD_OUT = {
    f"held_out_{name}{ending}": value
    for ending in ("", "/news", "/web")
    for name, value in (
        *(
            ("mlm", 6.5),
            ("mlm_accuracy", 0.125),
            ("unigram", 7.0),
            ("unigram_accuracy", 0.05),
            ("tokens", 1900.0),
        ),
        *(("copy_accuracy", 0.1), ("mlm_word", 9.5), ("mlm_word_accuracy", 0.0625), ("words", 800.0)),
        *(("unigram_word_accuracy", 0.04), ("copy_word_accuracy", 0.09)),
    )
}


def training(step: int) -> dict[str, object]:
    return {
        **{"stage": "learn", "step": step, "loss": 8 / step, "mlm": 7 / step, "mlm_accuracy": 0.01 * step},
        **{"sop": 0.7, "sop_accuracy": 0.5, "learning_rate": 1e-4, "gradient_norm": 1.0, "real_tokens": 100},
        **{
            "tokens_per_second": 1500.0,
            "share_of_peak": 0.4,
            "loader_wait_share": 0.01,
            "padding_share": 0.2,
        },
        **{"peak_memory": 2.5e9, "mask_rate": 0.15, "mask_rate_deviation": 0.01, "mask_share": 0.8},
        **{"adversarial_penalty": 0.25, "seconds": float(step)},
    }


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
    assert "<text>" not in page
    assert "<svg" not in page
    assert not list(tmp_path.glob("*.writing"))


def test_measures_are_drawn_and_tabled(toy: Recipe, tmp_path: Path) -> None:
    warm = {"stage": "learn", "step": 0, "head_warmup_step": 50, "head_mlm_accuracy": 0.2}
    rows = [
        warm,
        *(training(step) for step in (1, 2, 3)),
        {"stage": "learn", "step": 3, **HELD_OUT, "seconds": 3.5},
        {"stage": "learn", "step": 4, "skipped": 2, "seconds": 1.0},  # after a resume the clock begins anew
        {"stage": "learn", "step": 4, "loss": float("nan")},
        {"stage": "tune", "loss": 0.5},
    ]
    lines = "\n".join(map(json.dumps, rows)) + '\n{"stage": "learn", "st'  # torn by a kill
    (tmp_path / "metrics.jsonl").write_text(lines)
    page = write_report(tmp_path, toy, []).read_text("utf-8")
    for title in ("Loss", "Right at positions", "Right by source: whole words", "SOP: right"):
        assert f"<figcaption>{title}" in page
    for title in (
        "Gradient norm",
        "Learning rate",
        "Mask rate of rows",
        "Use of the machine",
        "adversarial penalty",
    ):
        assert f"<figcaption>{title}" in page
    assert "<h2>learn</h2>" in page
    assert "<h2>tune</h2>" not in page
    assert "<td>news<td>1,900<td>6.500<td>12.50%<td>5.00%<td>10.00%<td>800<td>9.500<td>6.25%" in page
    assert "Skipped steps: 1" in page
    assert "<th>after<th>mlm accuracy<tr><td>50<td>20.00%" in page
    assert "<b>12.5%</b>" in page
    assert "<b>0:00:04</b>" in page
    assert "nan" not in page
    assert "http-equiv" not in page


def test_it_needs_nothing_from_outside(toy: Recipe, made: list[tuple[str, Artefact]], tmp_path: Path) -> None:
    notes.append(tmp_path / "metrics.jsonl", training(1))
    page = write_report(tmp_path, toy, made).read_text("utf-8")
    assert not any(word in page for word in ("http://", "https://", "<script", "src=", "@import"))


def test_while_it_runs_it_says_so_and_loads_itself_anew(toy: Recipe, tmp_path: Path) -> None:
    page = write_report(tmp_path, toy, [], "learn").read_text("utf-8")
    assert "<meta http-equiv=refresh content=60>" in page
    assert "learn is at work" in page


def test_versions_are_shown(toy: Recipe, tmp_path: Path) -> None:
    versions.note(tmp_path)
    page = write_report(tmp_path, toy, []).read_text("utf-8")
    assert f"torch <b>{versions.versions()['torch']}</b>" in page
