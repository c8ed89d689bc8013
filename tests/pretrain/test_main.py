"""The command line: exit codes, and one message for whatever can be foreseen."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from corpora import errors
from pretrain import __main__ as program
from pretrain.__main__ import main
from tests.recipes.making import write_recipe

Captured = pytest.CaptureFixture[str]


def fails(captured: Captured, words: Sequence[object]) -> tuple[int, str]:
    """Exit code and message of a command that says nothing else."""
    code = main([str(word) for word in words])
    output, message = captured.readouterr()
    assert output == ""
    assert "Traceback" not in message
    return code, message


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rum"], "error: no command 'rum'; did you mean 'run'? (commands: run plan"),
        (["macbert_tiny"], "a recipe: maskwright run macbert_tiny)"),
        (["my.yaml", "seed=1"], "error: a command comes first: maskwright run my.yaml seed=1"),
        (["small", "seed=1"], "error: a command comes first: maskwright run small seed=1"),
        (["run"], "the following arguments are required: recipe"),
        (["plan", "x.yaml", "--onyl", "train"], "unrecognized arguments: --onyl"),
        (
            ["run", "x.yaml", "--train.steps=3"],
            "keys of the recipe are written without dashes: train.steps=3",
        ),
        (["plan", "macbert_tinny"], "there is no recipe 'macbert_tinny' (nearest: 'macbert_tiny')"),
        (["explain", "train.stpes"], "train.stpes"),
        (["verify", "nowhere"], "nowhere holds no artefact"),
        (["show", "nowhere"], "nowhere holds no token set (no such folder)"),
        (["show", "nowhere", "-n", "3.5"], "argument -n: '3.5' is no whole number"),
        (["show", "nowhere", "--row", "1", "--random", "2"], "not allowed with argument --row"),
    ],
)
def test_usage_is_one_message(capsys: Captured, words: Sequence[str], said: str) -> None:
    code, message = fails(capsys, words)
    assert code == 2
    assert said in message


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


def test_an_unknown_stage_names_the_nearest(capsys: Captured, small: Path, tmp_path: Path) -> None:
    code, message = fails(capsys, ["plan", small, "--runs", tmp_path / "runs", "--only", "trian"])
    assert code == 2
    assert message.startswith("error: --only trian: no stage of that name (nearest: 'train')")


def test_a_missing_file_is_bad_data(capsys: Captured, small: Path, tmp_path: Path) -> None:
    small.with_name("text.txt").unlink()
    code, message = fails(capsys, ["run", small, "--runs", tmp_path / "runs"])
    assert (code, message.count("\n")) == (3, 1)
    assert message.startswith("bad data: ")
    assert "text.txt" in message


def test_five_mistakes_are_five_lines(capsys: Captured, small: Path, tmp_path: Path) -> None:
    text = small.read_text("utf-8")
    mistakes = {
        "file_characters": "file_charactres",
        "size: 400": "size: many",
        "word2vec": "word2vecs",
        "batch: 8\n    steps": "batch: 0\n    steps",
        "seeds: [0, 1]": "seeds: [0, -1]",
    }
    for right, wrong in mistakes.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    small.write_text(text, "utf-8")
    code, message = fails(capsys, ["run", small, "--runs", tmp_path / "runs"])
    lines = message.removeprefix("error: ").splitlines()
    assert (code, len(lines)) == (2, 5)
    rows = text.splitlines()
    for line in lines:
        row, column = map(int, line.removeprefix(f"{small}:").split(":")[:2])
        assert any(one in rows[row - 1] for one in ("charactres", "many", "vecs", "batch: 0", "-1"))
        assert 0 < column <= len(rows[row - 1])
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (errors.BadData("no text"), 3, "bad data: no text\n"),
        (errors.CorruptArtefact("bit"), 4, "error: bit\n"),
        (errors.CannotWrite("full"), 5, "error: full\n"),
        (errors.Diverged("nan"), 6, "error: nan\n"),
        (errors.Busy("in use"), 7, "error: in use\n"),
        (errors.Interrupted("saved"), 75, "interrupted: saved\n"),
        (KeyboardInterrupt(), 75, "interrupted: interrupted\n"),
        (PermissionError(13, "Permission denied", "/x/y"), 5, "error: cannot write /x/y (Permission denied)"),
    ],
)
def test_errors_have_their_codes(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    failing(monkeypatch, error)
    got, message = fails(capsys, ["recipes"])
    assert got == code
    assert message.startswith(said)


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setitem(program.COMMANDS, "recipes", ("", fail))


def test_a_surprise_leaves_its_traceback_in_a_file(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    failing(monkeypatch, ZeroDivisionError("by nought"))
    code, message = fails(capsys, ["recipes"])
    place = tmp_path / "maskwright-error.txt"
    assert (code, message) == (1, f"unexpected ZeroDivisionError: by nought\nthe traceback is in {place}\n")
    assert "Traceback" in place.read_text("utf-8")


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_names_commands_and_codes(capsys: Captured, words: list[str]) -> None:
    assert main(words) == 0
    output, message = capsys.readouterr()
    assert message == ""
    assert all(f"  {name} " in output for name in program.COMMANDS)
    kinds = errors.MaskwrightError.__subclasses__()
    assert len(kinds) == 7
    assert all(f" {kind.exit_code} " in output.replace("\n", " ") for kind in kinds)


def test_explain_and_recipes_answer(capsys: Captured) -> None:
    assert main(["explain", "train.masking.budget"]) == 0
    assert "0.15" in capsys.readouterr().out
    assert main(["recipes"]) == 0
    assert "macbert_tiny " in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\n|a checkout that is not installed\n", capsys.readouterr().out)


def test_verify_finds_a_changed_byte(capsys: Captured, tmp_path: Path) -> None:
    from corpora.artefact import Draft
    from corpora.stage import Report

    draft = Draft.open(tmp_path / "shards-1", "shards", "1")
    draft.write_json("part", [1, 2, 3])
    draft.commit(Report("made"))
    assert main(["verify", str(tmp_path)]) == 0
    assert f"intact {tmp_path}/shards-1: 1 files" in capsys.readouterr().out
    (tmp_path / "shards-1" / "part").write_bytes(b"[1,2,4]\n")
    code, message = fails(capsys, ["verify", tmp_path / "shards-1"])
    assert (code, message.count("\n")) == (4, 1)
    assert f"{tmp_path}/shards-1/part" in message


def command(words: Sequence[str], output: int, **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a process whose standard output goes to a descriptor."""
    root = Path(__file__).parents[2]
    line = [sys.executable, "-m", "pretrain", *words]
    done = subprocess.run(
        line, stdout=output, stderr=subprocess.PIPE, cwd=root, env=os.environ | environment, check=False
    )
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_a_reader_that_went_away_is_no_error(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert command(words, writing) == (0, "")
    os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_standard_output_is_one_message() -> None:
    with Path("/dev/full").open("wb") as full:
        code, message = command(["--help"], full.fileno())
    assert code == 5
    assert message == "error: cannot write to the standard output (No space left on device)\n"


@pytest.mark.slow
def test_chinese_in_an_ascii_terminal_is_no_error(small: Path, tmp_path: Path) -> None:
    small.write_text(small.read_text("utf-8").replace("every stage", "每一步"), "utf-8")
    words = ["plan", str(small), "--runs", str(tmp_path / "跑")]
    with (tmp_path / "said").open("wb") as said:
        assert command(words, said.fileno(), PYTHONIOENCODING="ascii", LC_ALL="C") == (0, "")
    assert "run folder" in (tmp_path / "said").read_text("ascii")
