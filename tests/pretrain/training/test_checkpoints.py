from pathlib import Path

import pytest

from corpora.artefact import Draft
from pretrain.training import checkpoints


def saved(out: Draft, step: int) -> None:
    with out.fill(checkpoints.part(step)) as folder:
        folder.mkdir()


def regular(step: int) -> bool:
    return step % 10 == 0


@pytest.mark.parametrize("keep_last", range(1, 7))
def test_as_many_of_the_newest_checkpoints_are_kept_as_asked(tmp_path: Path, keep_last: int) -> None:
    out, made = Draft.open(tmp_path / "made", "checkpoint", "toy"), list[int]()
    for step in range(10, 100, 10):
        saved(out, step)
        made.append(step)
        checkpoints.prune(out, keep_last, None, regular, None)
        assert checkpoints.steps(out.parts()) == made[-keep_last:]


def test_one_between_two_regular_ones_goes_as_the_next_is_safe(tmp_path: Path) -> None:
    out = Draft.open(tmp_path / "made", "checkpoint", "toy")
    for step, kept in {10: [10], 20: [10, 20], 25: [20, 25], 30: [20, 30], 40: [30, 40]}.items():
        saved(out, step)
        checkpoints.prune(out, 2, None, regular, None)
        assert checkpoints.steps(out.parts()) == kept
