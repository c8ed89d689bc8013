"""Export of any kept step: of a finished training, of one under way, once and no second time."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from pretrain.export import Export
from pretrain.recipe import Recipe, Role
from pretrain.running import folders
from pretrain.running.releasing import release
from tests.pretrain.toys import run, toy_data, toy_train


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return toy_data(tmp_path_factory.mktemp("tokens") / "data")


@pytest.fixture(scope="module")
def trained(data: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return run(toy_train(keep_last=3), data, tmp_path_factory.mktemp("runs") / "trained")


def weights(folder: Path) -> dict[str, list[float]]:
    return {name: one.flatten().tolist() for name, one in load_file(folder / "model.safetensors").items()}


def test_a_step_is_exported_once(trained: Artefact, tmp_path: Path) -> None:
    first = release(trained.path, 4, None, tmp_path / "four")
    assert first.facts["step"] == 4
    saved = weights(trained.path / "step-00000004")
    assert all(saved[name] == one for name, one in weights(first.path).items())
    before = (first.path / "model.safetensors").stat().st_mtime_ns
    assert release(trained.path, 4, None, tmp_path / "four") == first
    assert (first.path / "model.safetensors").stat().st_mtime_ns == before
    last = release(trained.path, None, None, tmp_path / "last")
    assert last.facts["step"] == 12
    with pytest.raises(UsageError, match="is there already and is not this export; name another --to"):
        release(trained.path, 8, None, tmp_path / "four")
    with pytest.raises(UsageError, match="keeps no step 5; it keeps 4, 8, 12"):
        release(trained.path, 5, None, tmp_path / "five")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["four", "last"]


def test_training_may_be_under_way(
    trained: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = Draft.open(tmp_path / "begun", "checkpoint", "toy")
    with pytest.raises(UsageError, match="has no checkpoints yet"):
        release(draft.path, None, None, tmp_path / "none")
    with draft.fill("step-00000004") as folder:
        shutil.copytree(trained.path / "step-00000004", folder)
    made = release(draft.path, None, None, tmp_path / "made")
    assert weights(made.path) == weights(release(trained.path, 4, None, tmp_path / "four").path)

    def dropped(*_: object) -> None:
        draft.discard("step-00000004")
        raise FileNotFoundError("model.safetensors")

    monkeypatch.setattr("pretrain.running.releasing.export", dropped)
    with pytest.raises(UsageError, match="dropped step 4 meanwhile"):
        release(draft.path, 4, None, tmp_path / "late")
    assert not (tmp_path / "late.partial").exists()


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no folder of a run \(no recipe\.yaml in it\)"):
        release(tmp_path, None, None, None)


def test_of_a_run_that_trained_twice_each_stage_has_exports_of_its_own(
    trained: Artefact, data: Artefact, tmp_path: Path
) -> None:
    folder = tmp_path / "twice"
    folder.mkdir()
    once = toy_train(data=str(data.path))
    stages = {"first": once, "second": once, "late": Export(checkpoint="second", license="mit")}
    read: dict[str, Role] = {"data": str(data.path)}
    roles: dict[str, dict[str, Role]] = {"first": read, "second": read, "late": {"checkpoint": "second"}}
    (folder / "recipe.yaml").write_text(Recipe("twice", "", 0, 0, stages, roles).effective(), "utf-8")
    for stage in ("first", "second"):
        folders.remember(folder, stage, {}, trained.path)
    with pytest.raises(UsageError, match="several stages with checkpoints, say --stage: first, second"):
        release(folder, None, None, None)
    first, second = (release(folder, 8, stage, None) for stage in ("first", "second"))
    assert first.path == folder / "export-first-step-00000008"
    assert second.path == folder / "export-second-step-00000008"
    cards = [made.file("README.md").read_text("utf-8") for made in (first, second)]
    assert ["license: mit" in card for card in cards] == [False, True]
