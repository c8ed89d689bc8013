"""Site files: read like recipes, all mistakes at once."""

from pathlib import Path

import pytest

from pretrain.__main__ import main
from pretrain.reading.problems import RecipeError
from pretrain.running import site


def load(folder: Path, text: str) -> site.Site:
    (folder / "site.yaml").write_text(text, "utf-8")
    return site.load(folder / "site.yaml")


def test_a_site(tmp_path: Path) -> None:
    found = load(tmp_path, "account: nlp\ngpu: {partition: a100, nodes: 4, gpus: 8, time: 2-00:00:00}\n")
    assert (found.account, found.gpu.nodes, found.gpu.time, found.cpu.cpus) == ("nlp", 4, "2-00:00:00", 8)


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    text = """\
acount: nlp
cpu: {partition: a b, time: tomorrow}
gpu:
  nodes: 0
  gpus: many
setup: module load
lead_seconds: 5
options: {"q os": high}
"""
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, text)
    lines = [line.removeprefix(f"{tmp_path}/site.yaml:") for line in str(caught.value).splitlines()]
    assert [line.split(":")[0] for line in lines] == ["1", "2", "2", "4", "5", "6", "7", "8"]
    assert "acount: unknown key (nearest: 'account')" in lines[0]


def test_a_job_has_to_be_told_to_save_while_it_runs(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"2:13: gpu.time: is 5:00, not longer than lead_seconds .300."):
        load(tmp_path, "# short\ngpu: {time: 5:00}\n")


def test_lines_that_would_be_two_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"setup\.0"):
        load(tmp_path, 'setup: ["a\\nb"]\n')


def test_its_keys_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "site"]) == 0
    assert "site.account " in capsys.readouterr().out
    assert main(["explain", "site.gpu.nodes"]) == 0
    assert "Nodes to train on." in capsys.readouterr().out
