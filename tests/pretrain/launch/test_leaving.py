"""Ends of a process: with its code, and without what may abort it."""

import os
import sys
from pathlib import Path

import pytest

from corpora.errors import Interrupted
from pretrain import launch
from pretrain.commands.run import _ended_as_a_rank
from tests.recipes.making import forkserver


def end(environment: dict[str, str], body: str, folder: Path) -> None:
    """Leave, and say whether by an exception."""
    os.environ.update(environment)
    sys.stdout = (folder / "said").open("w", encoding="utf-8")
    print("last words")
    exec(body, {"launch": launch, "Interrupted": Interrupted, "_ended_as_a_rank": _ended_as_a_rank})


INTERRUPTED = "with _ended_as_a_rank(): raise Interrupted('stopped')"
ONE_OF_TWO = {"RANK": "1", "WORLD_SIZE": "2"}


@pytest.mark.parametrize(
    ("environment", "body", "at_once"),
    [
        (ONE_OF_TWO, "launch.leave(75)", True),
        (ONE_OF_TWO | {"MASKWRIGHT_LAUNCHED": "1"}, INTERRUPTED, True),
        ({}, "launch.leave(75)", False),
    ],
)
def test_a_rank_ends_at_once_with_its_code_and_last_words(
    environment: dict[str, str], body: str, at_once: bool, tmp_path: Path
) -> None:
    """Not by an exception, which leads to the interpreter's end: a thread in a call of torch aborts there."""
    body = f"try:\n  {body}\nexcept SystemExit as error:\n  print('an exception'); raise"
    process = forkserver().Process(target=end, args=(environment, body, tmp_path))
    process.start()
    process.join()
    assert process.exitcode == 75
    assert ((tmp_path / "said").read_text() == "last words\n") == at_once
