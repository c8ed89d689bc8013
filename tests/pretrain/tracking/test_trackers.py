"""The family over fake packages that record what they are told."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from corpora.errors import UsageError
from pretrain import board as boards
from pretrain.board import Board
from pretrain.tracking import AnyTracker, SwanLab, Trackio, Wandb, check_installed
from pretrain.tracking.tensorboard import TensorBoard
from pretrain.tracking.tracker import Tracked
from tests.pretrain.toys import toy_train


class Fake(ModuleType):
    """A package with `init`, whose runs keep what they are told."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.inits = list[dict[str, Any]]()
        self.told = list[tuple[int, dict[str, float]]]()
        self.finished, self.broken = 0, False
        self.Settings = lambda **settings: settings

    def init(self, **given: Any) -> SimpleNamespace:  # noqa: ANN401
        self.inits.append(given)
        return SimpleNamespace(log=self.log, finish=self.finish)

    def log(self, values: dict[str, float], step: int) -> None:
        if self.broken:
            raise ConnectionError("no route to host\nand more")
        self.told.append((step, values))

    def finish(self) -> None:
        self.finished += 1


TRACKERS: list[AnyTracker] = [Wandb(project="p", mode="offline"), Trackio(project="p"), SwanLab(project="p")]


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fake]:
    made = {tracker.package: Fake(tracker.package) for tracker in TRACKERS}
    for name, fake in made.items():
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setattr(boards, "installed", lambda tracker: True)
    return made


def open_board(folder: Path, said: list[str], trackers: list[AnyTracker] = TRACKERS) -> Board:
    return Board(trackers, Tracked(folder, "macbert", "train", "", {"steps": 9}), said.append)


def test_rows_are_told_at_their_steps(fakes: dict[str, Fake], tmp_path: Path) -> None:
    board = open_board(tmp_path, [])
    board.add({"step": 1, "loss": 1.0})  # nothing is open yet
    board.begin(0, 0)
    board.add({"step": 0, "head_mlm_accuracy": 0.5})
    board.add({"stage": "train", "step": 2, "loss": 8.5, "seconds": 1.0, "word": "x"})
    board.add({"loss": 8.5})
    board.close()
    for fake in fakes.values():
        assert fake.told == [(0, {"head_mlm_accuracy": 0.5}), (2, {"loss": 8.5})]
        assert fake.finished == 1
        (given,) = fake.inits
        assert given["project"] == "p"
        assert given["config"] == {"steps": 9}
        assert given["name"].startswith("macbert/train")
    assert fakes["wandb"].inits[0]["mode"] == "offline"
    assert Path(fakes["wandb"].inits[0]["dir"]) == tmp_path


def test_a_resumed_run_goes_on_under_its_id_and_repeats_nothing(
    fakes: dict[str, Fake], tmp_path: Path
) -> None:
    first = open_board(tmp_path, [])
    first.begin(0, 0)
    for step in (10, 20, 30):
        first.add({"step": step, "loss": float(step)})
    second = open_board(tmp_path, [])
    second.begin(20, 30)  # step 30 was told before the kill
    for step in (30, 40):
        second.add({"step": step, "loss": float(step)})
    for fake in fakes.values():
        assert [step for step, _ in fake.told] == [10, 20, 30, 40]
        assert len({given.get("id", given["name"]) for given in fake.inits}) == 1
    third = open_board(tmp_path, [])
    third.begin(-1, 40)  # from the beginning again: another run
    third.begin(0, 0)  # said twice
    third.add({"step": 10, "loss": 1.0})
    for fake in fakes.values():
        assert fake.told[-1] == (10, {"loss": 1.0})
        assert len({given.get("id", given["name"]) for given in fake.inits}) == 2
        assert len(fake.inits) == 3


def test_local_modes_of_swanlab_are_given_no_id(fakes: dict[str, Fake], tmp_path: Path) -> None:
    open_board(tmp_path, [], [SwanLab(mode="local")]).begin(0, 0)
    assert "id" not in fakes["swanlab"].inits[0]


def test_a_tracker_that_fails_is_named_once_and_left_alone(fakes: dict[str, Fake], tmp_path: Path) -> None:
    said = list[str]()
    board = open_board(tmp_path, said)
    board.begin(0, 0)
    fakes["wandb"].broken = True
    for step in (1, 2):
        board.add({"step": step, "loss": 1.0})
    board.close()
    assert said == ["wandb failed and is told no more (no route to host); metrics.jsonl holds everything"]
    assert [step for step, _ in fakes["trackio"].told] == [1, 2]


def test_one_that_cannot_be_opened_stops_nothing(
    fakes: dict[str, Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**given: object) -> None:
        raise PermissionError("not logged in")

    said = list[str]()
    monkeypatch.setattr(fakes["wandb"], "init", refuse)
    board = open_board(tmp_path, said)
    board.begin(0, 0)
    board.add({"step": 1, "loss": 1.0})
    assert said == ["wandb failed and is told no more (not logged in); metrics.jsonl holds everything"]
    assert fakes["swanlab"].told


def test_a_missing_package_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrain.tracking.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="wandb and trackio, not installed here: pip install wandb tr"):
        check_installed([TensorBoard(), Wandb(), Trackio()])
    check_installed([TensorBoard()])
    said = list[str]()
    Board([TensorBoard()], Tracked(tmp_path, "run", "train", "", {}), said.append).begin(0, 0)
    assert said == ["tensorboard is not installed and shows nothing: pip install tensorboard"]


def test_a_recipe_names_them_by_a_word_or_with_settings() -> None:
    config = toy_train(trackers=["tensorboard", {"name": "wandb", "mode": "offline"}])
    assert config.trackers == (TensorBoard(), Wandb(mode="offline"))
    assert toy_train().trackers == (TensorBoard(),)
