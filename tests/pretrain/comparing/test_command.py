"""The command as a whole, on a tiny checkpoint: resumed, extended, with an arm that diverges."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.errors import UsageError
from pretrain.__main__ import main
from tests.pretrain.finetuning.making import make_folder, make_rows, write_rows

RECIPE = """\
name: tiny
stages:
  score:
    kind: finetune
    from_pretrained: {model}
    data: {{path: {rows}, dev: 0.2, test: 0.3}}
    length: 24
    epochs: 2
    batch: 8
    lr: 1.0e-2
    attacks: [{{attack: characters, queries: 8, rows: 6}}, case]
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    rows = write_rows(tmp_path / "rows.jsonl", make_rows(80))
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE.format(model=make_folder(tmp_path / "model"), rows=rows), "utf-8")

    def command(*words: str) -> tuple[int, str]:
        code = main(["compare", str(recipe), *words, "--runs", str(tmp_path / "runs")])
        said = capsys.readouterr()
        return code, said.out + said.err

    return command


@pytest.mark.slow
def test_cells_are_made_once_a_seed_is_added_and_an_arm_that_diverges_is_counted(
    run: Run, tmp_path: Path
) -> None:
    vary = ("--vary", "score.lr=0.01,1e38")
    code, said = run(*vary, "--seeds", "0-1")
    assert code == 0, said
    assert "score.lr 0.01 -> 1e+38" in said or "score.lr 0.01 -> 1.0e+38" in said
    (folder,) = (tmp_path / "runs" / "comparisons").iterdir()
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {*first} == {
        *("table.md", "table.tex", "table.csv", "plot.svg", "references.bib", "diverged.jsonl")
    }
    page = first["table.md"].decode()
    assert "2 of 2" in page  # of the second arm
    assert "under characters 15 %, 8 queries" in page

    again, told = run(*vary, "--seeds", "0-1")
    assert again == 0
    assert "cell " not in told
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first

    _, more = run(*vary, "--seeds", "0-2")
    assert [line.split("─")[0].strip() for line in more.splitlines() if line.startswith("cell ")] == [
        "cell 5 of 6: 0.01, seed 2",
        "cell 6 of 6: 1e38, seed 2",
    ]
    assert "3 of 3" in (folder / "table.md").read_text("utf-8")


def test_a_dry_run_counts_cells_and_makes_none(run: Run, tmp_path: Path) -> None:
    code, said = run(
        "--vary", "score.lr=0.01,0.02", "--grid", "score.epochs=1,2", "--seeds", "0-4", "--dry-run"
    )
    assert code == 0, said
    assert "20 cells, 20 to do" in said
    assert not (tmp_path / "runs" / "comparisons").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "nothing to compare: give --vary"),
        (["--vary", "score.lrr=1,2"], "unknown key (nearest: 'lr')"),
        (["--vary", "score.attacks=[case],[cas]"], "'cas' is none of"),
        (["--vary", "score.lr=0.1,0.2", "--grid", "score.epochs=1,2", "score.data.dev=0"], "--grid chooses"),
        (["--vary", "score.lr=0.1,0.2", "--grid", "score.lr=1,2"], "varied twice"),
    ],
)
def test_a_hurried_users_slips_are_one_message(run: Run, words: list[str], message: str) -> None:
    code, said = run(*words)
    assert (code, message in said) == (UsageError.exit_code, True), said
