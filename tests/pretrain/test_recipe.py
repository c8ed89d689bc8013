"""Recipes of toy stages through the real door, and every shipped recipe with the real ones."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpora.stage import StageSettings
from pretrain.recipe import Recipe, RecipeError, load, shipped
from pretrain.training.settings import Train
from tests.pretrain.reading.toys import KINDS, Learn, Plain, Read, Runs

BASE = """seed: 3
data_seed: 4
inputs:
  text: {required: true, example: "'*.txt'"}
  steps: {default: 10}
stages:
  more: {kind: read, paths: [$text]}
  model: {kind: learn, data: more, steps: $steps, masking: runs}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "base.yaml") -> Path:
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return write


def toy(path: Path, *overrides: str) -> Recipe:
    return load(str(path), overrides, KINDS)


def complaints(path: Path, *overrides: str) -> list[str]:
    """The problems of a recipe, without its folder."""
    with pytest.raises(RecipeError) as caught:
        toy(path, *overrides)
    return str(caught.value).replace(f"{path.parent}/", "").splitlines()


def learn(recipe: Recipe) -> Learn:
    stage = recipe.stages["model"]
    assert isinstance(stage, Learn)
    return stage


def test_inputs_seeds_and_roles_are_filled_in(write: Write) -> None:
    recipe = toy(write(BASE), "text=*.txt")
    assert recipe.stages == {
        "more": Read(seed=4, paths=("*.txt",)),
        "model": Learn(seed=3, data="more", steps=10, masking=Runs()),
    }
    assert recipe.roles == {"more": {}, "model": {"data": "more"}}
    assert recipe.name == "base,text=-.txt"
    assert (recipe.seed, recipe.data_seed) == (3, 4)


def test_explicit_seeds_are_kept(write: Write) -> None:
    recipe = toy(write(BASE), "text=x", "more.seed=7", "seed=8")
    assert [stage.seed for stage in recipe.stages.values()] == [7, 8]


def test_inputs_may_be_whole_structures(write: Write) -> None:
    inputs = "inputs: {mask: {default: {strategy: plain, budget: 0.3}}, text: {default: [a, b]}}"
    path = write(inputs + STAGES)
    recipe = toy(path)
    assert recipe.stages["more"] == Read(seed=0, paths=("a", "b"))
    assert learn(recipe).masking == Plain(budget=0.3)
    assert learn(toy(path, "mask=runs")).masking == Runs()


STAGES = """
stages:
  more: {kind: read, paths: $text}
  model: {kind: learn, steps: 5, masking: $mask}
"""


def test_two_dollars_are_one(write: Write) -> None:
    recipe = toy(write("stages: {more: {kind: read, paths: [$$HOME]}}"))
    assert recipe.stages["more"] == Read(seed=0, paths=("$HOME",))


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.steps=20", {"steps": 20}),
        ("model.masking.budget=0.5", {"masking": Runs(budget=0.5)}),  # the recipe says `masking: runs`
        ("model.masking.lengths.1=0.25", {"masking": Runs(lengths=(0.5, 0.25))}),
        ("model.masking={strategy: plain, budget: 0.5}", {"masking": Plain(budget=0.5)}),
        ("model.masking=plain", {"masking": Plain()}),
        ("model.labels.new.x=1", None),
        ("model.labels.new=1", {"labels": {"new": 1.0}}),
        ("stages.model.compile=true", {"compile": True}),
        ("steps=7", {"steps": 7}),
    ],
)
def test_overrides(write: Write, override: str, expected: Mapping[str, Any] | None) -> None:
    path = write(BASE.replace("masking: runs", "masking: {strategy: runs, lengths: [0.5, 0.5]}"))
    if expected is None:
        said = "command line: model.labels.new: got a mapping, wanted a number"
        assert complaints(path, "text=x", override) == [said]
        return
    recipe = toy(path, "text=x", override)
    assert learn(recipe) == Learn(**{"seed": 3, "data": "more", "steps": 10, "masking": Runs(), **expected})


def test_one_setting_of_a_bare_word_can_be_overridden(write: Write) -> None:
    assert learn(toy(write(BASE), "text=x", "model.masking.budget=0.5")).masking == Runs(budget=0.5)


def test_one_setting_of_a_default_can_be_overridden(write: Write) -> None:
    path = write("stages: {text: {kind: read}, model: {kind: learn, steps: 1}}")
    assert learn(toy(path, "model.masking.budget=0.5")).masking == Plain(budget=0.5)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("modle.steps=1", "command line: modle.steps: unknown key (nearest: 'model')"),
        ("model.stpes=1", "command line: model.stpes: unknown key (nearest: 'steps')"),
        ("model.steps=abc", "command line: model.steps: got 'abc', wanted a whole number"),
        (
            "model.steps=010",
            "command line: model.steps: got 010; write 10 or 0o10 (octal), or '010' in quotes",
        ),
        ("model.steps.x=1", "command line: model.steps.x: stands below '$steps', which has no parts"),
        ("more.paths.5=x", "command line: more.paths.5: is a list of 1, counted from 0; '5' is none of"),
        ("steps", "command line: got 'steps', wanted KEY=VALUE, as in train.steps=300"),
        (
            "more=null",
            "base.yaml:8:30: model.data: 'more' is neither an earlier stage nor a folder; no earlier",
        ),
        ("name=a/b", "command line: name: 'a/b' cannot name a folder"),
        ("model.start=model", "command line: model.start: 'model' is not earlier than 'model'"),
        ("model.start=more", "command line: model.start: 'more' makes shards, wanted checkpoint"),
    ],
)
def test_overrides_that_cannot_be(write: Write, override: str, said: str) -> None:
    (line,) = complaints(write(BASE), "text=x", override)
    assert line.startswith(said)


def test_five_mistakes_are_five_lines_with_their_places(write: Write) -> None:
    text = """name: five
stages:
  text:
    kind: read
    claening: light
  model:
    kind: learn
    steps: 1e3
    compile: no
    masking: {strategy: ruins}
    data: txet
"""
    assert complaints(write(text)) == [
        "base.yaml:5:5: text.claening: unknown key (nearest: 'cleaning')",
        "base.yaml:8:12: model.steps: got 1000.0, wanted a whole number: write 1000",
        "base.yaml:9:14: model.compile: got 'no', wanted true or false",
        "base.yaml:10:25: model.masking.strategy: 'ruins' is none of 'plain', 'runs' (nearest: 'runs')",
        "base.yaml:11:11: model.data: 'txet' is neither an earlier stage nor a folder (nearest: 'text')",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x", "base.yaml:1:1: stages: is missing; wanted a mapping of names to a value"),
        ("stages: {}", "base.yaml:1:1: stages: got a mapping, wanted one of length at least 1"),
        ("stages: [1]", "base.yaml:1:9: stages: got a list of 1, wanted a mapping"),
        ("stages: {a: {kind: raed}}", "base.yaml:1:20: a.kind: 'raed' is no kind of stage (nearest: 'read')"),
        ("stages: {a: {}}", "base.yaml:1:10: a: has no `kind`, wanted one of 'read', 'learn'"),
        ("stages: {a: }", "base.yaml:1:12: a: has no `kind`, wanted one of 'read', 'learn'"),
        ("stages: {a.b: {kind: read}}", "base.yaml:1:10: a.b: 'a.b' cannot name a stage; wanted one word"),
        ("stages: {seed: {kind: read}}", "base.yaml:1:10: seed: 'seed' cannot name a stage"),
        ("seeds: 1\nstages: {a: {kind: read}}", "base.yaml:1:1: seeds: unknown key (nearest: 'seed')"),
        ("seed: -1\nstages: {a: {kind: read}}", "base.yaml:1:7: seed: got -1, wanted at least 0"),
        ("name: a/b\nstages: {a: {kind: read}}", "base.yaml:1:7: name: 'a/b' cannot name a folder"),
        ("stages: {a: {kind: read, paths: [$x]}}", "base.yaml:1:34: a.paths.0: there is no input 'x'"),
        ("stages: {a: {kind: learn, steps: 1}}", "base.yaml:1:10: a.data: no earlier stage makes shards"),
        (
            "stages: {a: {kind: read}, b: {kind: read}, c: {kind: learn, steps: 1}}",
            "base.yaml:1:44: c.data: has to be named: a and b make shards",
        ),
        (
            "stages: {c: {kind: learn, steps: 1, data: b}, b: {kind: read}}",
            "base.yaml:1:43: c.data: 'b' is not earlier than 'c'",
        ),
    ],
)
def test_recipes_that_cannot_be(write: Write, text: str, said: str) -> None:
    (line,) = complaints(write(text))
    assert line.startswith(said)


def test_an_input_that_is_not_given_is_the_only_complaint(write: Write) -> None:
    inputs = "inputs: {n: {required: true, example: '3'}}"
    path = write(inputs + "\nstages: {a: {kind: read}, b: {kind: learn, steps: $n}}")
    assert complaints(path) == ["base.yaml:1:10: inputs.n: has to be given: add n=3 to the command"]


def test_a_role_may_be_a_folder_of_another_machine(write: Write, tmp_path: Path) -> None:
    (tmp_path / "shards-1").mkdir()
    recipe = toy(write("stages: {model: {kind: learn, steps: 1}}"), f"model.data={tmp_path}/shards-1")
    assert recipe.roles == {"model": {"data": tmp_path / "shards-1"}}


def test_a_stage_goes_on_from_its_own_kind_only_when_told(write: Write) -> None:
    two = "stages: {t: {kind: read}, a: {kind: learn, steps: 1}, b: {kind: learn, steps: 1}}"
    assert toy(write(two)).roles["b"] == {"data": "t"}
    assert toy(write(two), "b.start=a").roles["b"] == {"data": "t", "start": "a"}


def test_extends_merges_by_stage_and_key(write: Write) -> None:
    write(BASE)
    write("extends: base.yaml\nstages: {model: {masking: {budget: 0.4}}}", "middle.yaml")
    text = "extends: middle.yaml\nseed: 9\ninputs: {text: {default: t}}\nstages: {model: {compile: true}}"
    top = write(text, "top.yaml")
    recipe = toy(top)
    assert recipe.name == "top"
    assert recipe.stages == {
        "more": Read(seed=4, paths=("t",)),
        "model": Learn(seed=9, data="more", steps=10, masking=Runs(budget=0.4), compile=True),
    }


def test_extends_another_member_replaces_the_old_one(write: Write) -> None:
    write(BASE.replace("masking: runs", "masking: {strategy: runs, lengths: [1.0]}"))
    top = write("extends: base.yaml\nstages: {model: {masking: {strategy: plain}}}", "top.yaml")
    assert learn(toy(top, "text=x")).masking == Plain()


def test_extends_another_type_of_network_replaces_the_old_one(tmp_path: Path) -> None:
    top = tmp_path / "top.yaml"
    train = "{model: {type: MODEL, hidden_size: 64}, objectives: {sop: null}}"
    text = f"extends: macbert_tiny\nstages: {{train: {train}}}"
    for kind, merged in (("roberta", False), ("bert", True)):
        top.write_text(text.replace("MODEL", kind), "utf-8")
        stage = load(str(top)).stages["train"]
        assert isinstance(stage, Train)
        assert stage.model is not None
        given = stage.model.model_extra or {}
        assert given["hidden_size"] == 64
        assert ("hidden_dropout_prob" in given) is merged


def test_extends_null_removes_a_stage(write: Write) -> None:
    write(BASE)
    top = write("extends: base.yaml\nstages: {model: null}", "top.yaml")
    assert list(toy(top, "text=x").stages) == ["more"]
    (line,) = complaints(write("extends: base.yaml\nstages: {modle: null}", "top.yaml"), "text=x")
    assert line.startswith("top.yaml:2:17: modle: has no `kind`")


def test_extends_positions_are_those_of_each_file(write: Write) -> None:
    write(BASE.replace("steps: $steps", "steps: 0"))
    top = write("extends: base.yaml\nstages: {model: {labels: {a: b}}}", "top.yaml")
    assert complaints(top, "text=x") == [
        "base.yaml:8:43: model.steps: got 0, wanted at least 1",
        "top.yaml:2:30: model.labels.a: got 'b', wanted a number",
    ]


def test_extends_circles_and_misses(write: Write) -> None:
    write("extends: top.yaml\nstages: {a: {kind: read}}")
    top = write("extends: base.yaml\nstages: {}", "top.yaml")
    assert complaints(top) == ["base.yaml:1:10: extends: 'top.yaml' extends this recipe in turn: a circle"]
    missing = write("extends: bsae.yaml\nstages: {a: {kind: read}}")
    assert complaints(missing) == ["base.yaml:1:10: extends: there is no recipe 'bsae.yaml'"]


def test_a_recipe_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"there is no recipe 'macbert_tinny' \(nearest: 'macbert_tiny'\)"):
        load("macbert_tinny")


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ((), "base"),
        (("seed=1",), "base,seed=1"),
        (("seed=1", "model.steps=2", "seed=2"), "base,model.steps=2,seed=2"),
        (("name=mine", "seed=1"), "mine"),
        (("model.labels={a: 1}",), "base,model.labels=-a-1-"),
    ],
)
def test_a_run_is_named_after_its_overrides(write: Write, overrides: Sequence[str], name: str) -> None:
    path = write(BASE.replace("{required: true, example: \"'*.txt'\"}", "{default: t}"))
    assert toy(path, *overrides).name == name


def test_long_names_are_cut_at_a_character(write: Write) -> None:
    name = toy(write(BASE), f"text={'漢' * 200}").name
    assert 110 < len(name.encode()) <= 120
    assert re.fullmatch(r"base,text=漢+", name)


PATHS = st.lists(st.text(), max_size=3).map(tuple)
SETTINGS = st.fixed_dictionaries(
    {
        "masking": st.just(Plain()) | st.builds(Runs, lengths=st.lists(st.floats(0, 1)).map(tuple)),
        "labels": st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False), max_size=3),
        "steps": st.integers(1, 10**12),
        "seed": st.integers(0, 2**63),
        "micro_batch": st.just("auto") | st.integers(1, 8),
    }
)


@settings(max_examples=50)
@given(PATHS, SETTINGS, st.text())
def test_the_effective_recipe_is_the_recipe(
    paths: tuple[str, ...], model: dict[str, Any], about: str
) -> None:
    stages: dict[str, StageSettings] = {
        "text": Read(seed=1, paths=paths),
        "model": Learn(data="text", **model),
    }
    recipe = Recipe("name", about, 0, 1, stages, {"text": {}, "model": {"data": "text"}})
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.yaml")
        path.write_text(recipe.effective(), "utf-8", newline="")
        again = toy(path)
    assert again == recipe
    assert again.effective() == recipe.effective()


@given(st.integers(0, len(BASE)), st.integers(0, 9), st.text("[]{}:-&*$'\"!#|\t\n 1eabc", max_size=5))
def test_no_text_gives_anything_but_a_recipe_or_its_problems(start: int, cut: int, new: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "r.yaml")
        path.write_text(BASE[:start] + new + BASE[start + cut :], "utf-8")
        with suppress(RecipeError):
            assert isinstance(toy(path, "text=x"), Recipe)


def test_what_a_stage_of_unknown_kind_makes_is_not_missed(write: Write) -> None:
    text = "stages: {t: {kind: raed}, a: {kind: learn, steps: 1}, b: {kind: learn, steps: 1, data: t}}"
    assert complaints(write(text)) == ["base.yaml:1:20: t.kind: 'raed' is no kind of stage (nearest: 'read')"]


@pytest.mark.parametrize("name", [name for name, _ in shipped()])
def test_shipped_recipes_load_and_their_effective_form_is_equal(name: str, tmp_path: Path) -> None:
    try:
        recipe = load(name)
    except RecipeError as error:
        needed = re.findall(r"inputs\.(\w+): has to be given", str(error))
        recipe = load(name, [*(f"{key}=some.txt" for key in needed), f"name={name}"])
    (tmp_path / "recipe.yaml").write_text(recipe.effective(), "utf-8")
    assert load(str(tmp_path / "recipe.yaml")) == recipe


def test_shipped_recipes_say_what_they_do() -> None:
    assert "macbert_tiny" in dict(shipped())
    assert all(0 < len(line) < 120 for _, line in shipped())
