"""Shipped recipes can be planned where their data are installed. (That they load: test_recipe.)"""

import io
from pathlib import Path

import pytest
from rich.console import Console

from corpora.errors import BadData
from pretrain import runner
from pretrain.planning import plan
from pretrain.recipe import Recipe, load, shipped
from pretrain.signals import StopRequest

NAMES = [name for name, _ in shipped()]


def planned(one: Recipe, runs: Path) -> str:
    """The plan of a recipe, as printed."""
    output = io.StringIO()
    job = runner.job(
        one, runs, Console(file=output, width=250), StopRequest(), only=None, first=None, until=None
    )
    plan(job)
    return output.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_can_be_planned(name: str, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("今天天气很好。\n", "utf-8")
    given = [f"text={text}"] if name == "macbert_base" else []
    try:
        one = load(name, given)
        page = planned(one, tmp_path)
    except BadData as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise
    assert page.count("will run") == len(one.stages)
    assert all(f"│ {stage} " in page for stage in one.stages)
