"""Folders of runs: one for each effective recipe, found again, with links that are never missing."""

import os
from pathlib import Path

import pytest

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.stage import Report
from pretrain.export import Export
from pretrain.finetuning import Finetune
from pretrain.recipe import Recipe, load
from pretrain.running import folders
from tests.pretrain.roof import Gather, recipe
from tests.recipes.making import write_recipe

SAME = recipe(Path("a"))
SCORE = Finetune.model_validate({"data": {"path": "a.tsv", "dev": 0.1, "test": 0.1}})


def test_an_equal_recipe_finds_its_folder(tmp_path: Path) -> None:
    assert folders.find(SAME, tmp_path) == (tmp_path / "toy", None)
    assert not (tmp_path / "toy").exists()
    assert folders.claim(SAME, tmp_path) == tmp_path / "toy"
    assert folders.claim(recipe(Path("a")), tmp_path) == tmp_path / "toy"
    assert (tmp_path / "toy" / "recipe.yaml").read_text("utf-8") == SAME.effective()
    assert [path.name for path in (tmp_path / "toy").iterdir()] == ["recipe.yaml"]


def test_other_settings_of_the_same_name_get_a_folder_of_their_own(tmp_path: Path) -> None:
    claimed = [folders.claim(recipe(Path("a"), steps), tmp_path) for steps in (1, 2, 3)]
    places = [tmp_path / name for name in ("toy", "toy~2", "toy~3")]
    assert claimed == places
    assert folders.find(recipe(Path("a"), 2), tmp_path) == (places[1], None)
    assert folders.find(recipe(Path("a"), 4), tmp_path) == (tmp_path / "toy~4", places[2])


def test_asides_make_no_other_run(tmp_path: Path) -> None:
    path, asides = (
        write_recipe(tmp_path),
        ("train.log_every=5", "stages.train.speed.zero=1", "tokens.speed.workers=2"),
    )
    plain, other = load(str(path)), load(str(path), asides)
    assert other.name == plain.name == "small"
    assert other.effective() != plain.effective()
    folder = folders.claim(plain, tmp_path)
    assert folders.claim(other, tmp_path) == folder
    folders.keep(folder, other)
    assert load(str(folder / "recipe.yaml")).effective() == other.effective()
    assert folders.claim(load(str(path), ["train.batch=4", "name=small"]), tmp_path).name == "small~2"


def test_of_many_at_once_each_gets_its_own(tmp_path: Path) -> None:
    children = []
    for number in range(6):
        if (child := os.fork()) == 0:
            one = recipe(Path("a"), number % 3)
            folder = folders.claim(one, tmp_path)
            os._exit(0 if (folder / "recipe.yaml").read_text("utf-8") == one.effective() else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy", "toy~2", "toy~3"]
    assert all(os.listdir(folder) == ["recipe.yaml"] for folder in tmp_path.iterdir())


def test_what_stages_were_made_from_is_remembered(tmp_path: Path) -> None:
    assert folders.remembered(tmp_path) == {}
    folders.remember(tmp_path, "a", {"x": 1}, tmp_path / ".store" / "a-1")
    folders.remember(tmp_path, "b", {"x": 2}, tmp_path / ".store" / "b-1")
    folders.remember(tmp_path, "a", {"x": 3}, tmp_path / ".store" / "a-2")
    assert folders.remembered(tmp_path) == {
        "a": {"identity": {"x": 3}, "artefact": ".store/a-2"},
        "b": {"identity": {"x": 2}, "artefact": ".store/b-1"},
    }


def test_the_link_to_an_export_is_there_at_every_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "toy"
    run.mkdir()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    one = results_of("release", "shards")
    folders.show(run, "release", one, tmp_path / "one")
    (run / "export.writing").symlink_to("nowhere")  # left by a kill
    seen, replace = [], os.replace

    def look(old: Path, new: Path) -> None:
        seen.append(os.listdir(run / "export"))
        replace(old, new)

    monkeypatch.setattr(os, "replace", look)
    folders.show(run, "release", one, tmp_path / "two")
    assert (seen, os.listdir(run / "export")) == ([["one"]], ["two"])
    assert os.readlink(run / "export") == "../two"
    folders.show(run, "shards", one, tmp_path / "one")
    assert os.listdir(run) == ["export"]


def results_of(*stages: str) -> Recipe:
    """A recipe with these stages, each of the kind that its name begins with."""
    kinds = {"release": Export(), "score": SCORE, "shards": Gather(text="a")}
    found = {name: kinds[name.partition("_")[0]] for name in stages}
    return Recipe("toy", "", 0, 0, found, {name: {} for name in found})


def test_of_several_alike_each_has_a_link_of_its_own(tmp_path: Path) -> None:
    several = results_of("shards", "release", "score", "score_tags", "release_late")
    for stage in several.stages:
        (tmp_path / stage).mkdir()
        folders.show(tmp_path, stage, several, tmp_path / stage)
    links = {path.name: os.readlink(path) for path in tmp_path.iterdir() if path.is_symlink()}
    assert links == {
        "export-release": "release",
        "export-release_late": "release_late",
        "finetune-score": "score",
        "finetune-score_tags": "score_tags",
    }
    assert folders.shown(tmp_path, "score", results_of("release", "score")) == tmp_path / "finetune"


def test_a_stage_is_chosen_among_those_that_have_what_is_sought(tmp_path: Path) -> None:
    found = {name: Artefact.open(finished(tmp_path / name, "score")) for name in ("one", "two")}
    assert folders.chosen(found, "two", tmp_path, "scores") == "two"
    assert folders.chosen({"one": found["one"]}, None, tmp_path, "scores") == "one"
    with pytest.raises(UsageError, match="several stages with scores, say --stage: one, two"):
        folders.chosen(found, None, tmp_path, "scores")
    with pytest.raises(UsageError, match=r"no scores of a stage 'tow' \(it has: one, two\)"):
        folders.chosen(found, "tow", tmp_path, "scores")
    with pytest.raises(UsageError, match="has no scores yet"):
        folders.chosen({}, None, tmp_path, "scores")


def finished(folder: Path, kind: str) -> Path:
    return Draft.open(folder, kind, "f").commit(Report("", {})).path


def test_the_only_artefact_of_a_kind(tmp_path: Path) -> None:
    shards, tokens = finished(tmp_path / "s", "shards"), finished(tmp_path / "t", "tokens")
    run = tmp_path / "run"
    run.mkdir()
    folders.remember(run, "text", {}, shards)
    folders.remember(run, "encode", {}, tokens)
    folders.remember(run, "train", {}, tmp_path / "not made yet")
    for path in (shards, run):
        found = folders.the_only(path, "shards")
        assert isinstance(found, Artefact)
        assert found.path == shards
    assert folders.the_only(run, "tokens").path == tokens


def test_none_or_several_artefacts_of_a_kind(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(UsageError, match=r"run holds no shards .no such folder"):
        folders.the_only(run, "shards")
    run.mkdir()
    with pytest.raises(UsageError, match=r"no manifest\.json there, nor notes of a run with shards"):
        folders.the_only(run, "shards")
    one, two = finished(tmp_path / "one", "shards"), finished(tmp_path / "two", "shards")
    folders.remember(run, "a", {}, one)
    with pytest.raises(UsageError, match=r"holds no token set .it has a.; give the folder"):
        folders.the_only(run, "tokens")
    folders.remember(run, "b", {}, two)
    with pytest.raises(UsageError, match=f"several shards, give.*a: {one}, b: {two}"):
        folders.the_only(run, "shards")
    with pytest.raises(UsageError, match="holds 'shards', but 'tokens' is needed"):
        folders.the_only(one, "tokens")
