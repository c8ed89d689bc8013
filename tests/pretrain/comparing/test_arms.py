"""Arms: short words and YAML, the difference that is wanted, and every other one refused."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from corpora.errors import UsageError
from pretrain.adversarial import Alum, FreeLb, Smart, TextAt
from pretrain.comparing.asked import choice
from pretrain.comparing.cells import Comparison, compare
from pretrain.comparing.telling import told
from pretrain.reading.shape import tag_of
from pretrain.recipe import RecipeError

RECIPE = """\
name: toy
seed: 7
stages:
  shards: {kind: shard, sources: [{path: text.txt}]}
  tokens: {kind: encode, tokenizer: {train: wordpiece_zh, size: 400}}
  train:
    kind: train
    model: {type: bert, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}
    masking: {strategy: ngram, budget: 0.2}
    objectives: {mlm: 1.0}
    steps: 10
    batch: 4
  release: {kind: export}
  score: {kind: finetune, data: {path: rows.jsonl}, seeds: [0, 1], beside: [tfidf]}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "toy.yaml"
    path.write_text(RECIPE, "utf-8")
    return str(path)


def laid_out(
    recipe: str,
    *vary: str,
    grid: Sequence[str] = (),
    seeds: Sequence[int] = (0, 1),
    given: Sequence[str] = (),
) -> Comparison:
    varied, tried = ([choice(text, "--x") for text in texts] for texts in (vary, grid))
    return compare(recipe, given, varied, tried, seeds)


def test_a_word_that_the_recipe_has_stays_as_the_recipe_has_it(recipe: str) -> None:
    found = laid_out(recipe, "train.masking={strategy: token, budget: 0.2},ngram")
    assert [arm.overrides for arm in found.arms] == [("train.masking={strategy: token, budget: 0.2}",), ()]
    lines = told(*found.recipes)
    assert lines[0] == "train.masking.strategy token -> ngram"
    assert not any("budget" in line for line in lines)


def test_methods_are_told_apart_by_their_words_and_what_is_no_default(recipe: str) -> None:
    smart = "{method: smart, weight: 3.0, start_step: 2}"
    found = laid_out(recipe, f"score.adversarial=none,{smart},alum,freelb")
    lines = [told(found.recipes[0], other) for other in found.recipes[1:]]
    words = ("{method: smart, weight: 3.0, start_step: 2}", "{method: alum}", "{method: freelb}")
    assert lines == [[f"score.adversarial null -> {word}"] for word in words]
    assert told(*found.recipes[1:3]) == [
        "score.adversarial.method smart -> alum",
        "score.adversarial.weight 3.0 -> 1.0",  # a default here, and none there
        "score.adversarial.start_step 2 -> 0",
    ]
    assert told(*found.recipes[2:]) == ["score.adversarial.method alum -> freelb"]
    small, large = laid_out(recipe, "train.model.hidden_size=16,32").recipes
    assert told(small, large) == ["train.model.hidden_size 16 -> 32"]


def test_another_word_keeps_what_the_recipe_sets_and_means_the_same(recipe: str) -> None:
    found = laid_out(recipe, "train.masking=token,ngram")
    assert found.arms[0].overrides == ("train.masking={strategy: token, budget: 0.2}",)
    assert found.arms[0].label == "token"
    assert tag_of(TextAt) == ("method", "text_at")  # which narrows a key of its base as well


def test_a_second_difference_is_refused_with_both_values(recipe: str) -> None:
    with pytest.raises(
        UsageError, match=r"\{strategy: token\} and ngram differ in `budget` as well \(0.15 and 0.2\)"
    ):
        laid_out(recipe, "train.masking={strategy: token},ngram")
    wanted = laid_out(
        recipe, "train.masking={strategy: token, budget: 0.15},ngram"
    )  # written, so it is meant
    assert len(wanted.arms) == 2


def test_defaults_of_two_methods_are_part_of_the_methods(recipe: str) -> None:
    found = laid_out(recipe, "train.replacement=bert,mask_only")
    assert [arm.label for arm in found.arms] == ["bert", "mask_only"]


def test_two_checkpoints_are_compared_by_their_bare_names(recipe: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    places = f"{tmp_path}/one,{tmp_path}/other"
    for before in (
        "",
        f"from_pretrained: {tmp_path}/one, ",
        "from_pretrained: {path: bert, revision: main}, ",
    ):
        Path(recipe).write_text(RECIPE.replace("kind: finetune, ", f"kind: finetune, {before}"), "utf-8")
        found = laid_out(recipe, f"score.from_pretrained={places}")
        assert [arm.label for arm in found.arms] == [f"{tmp_path}/one", f"{tmp_path}/other"]


def test_arms_that_do_not_differ_are_refused(recipe: str) -> None:
    with pytest.raises(UsageError, match="the arms 10 and 1_0 are the same"):
        laid_out(recipe, "train.steps=10,1_0")
    with pytest.raises(UsageError, match="differ only in what cannot change a score"):
        laid_out(recipe, "score.speed.device=cpu,auto")


def test_where_fine_tuning_alone_is_varied_its_seeds_are(recipe: str) -> None:
    found = laid_out(recipe, "score.lr=1e-3,1e-4", seeds=(0, 3))
    assert [(cell.arm, cell.seed) for cell in found.cells] == [(0, 0), (1, 0), (0, 3), (1, 3)]
    assert {cell.recipe.stages["score"].model_dump()["seeds"] for cell in found.cells} == {(0,), (3,)}
    assert {cell.recipe.seed for cell in found.cells} == {7}
    assert found.seeded == "score.seeds"
    assert found.left_out == ["score.beside=[]"]
    trained = {str(cell.recipe.stages["train"]) for cell in found.cells}
    assert len(trained) == 1


def test_where_pre_training_is_varied_the_recipes_seed_is_and_the_text_stays(recipe: str) -> None:
    found = laid_out(recipe, "train.steps=10,20", seeds=(0, 3))
    assert [cell.recipe.stages["train"].seed for cell in found.cells] == [0, 0, 3, 3]
    assert {cell.recipe.stages["shards"].seed for cell in found.cells} == {0}
    assert {cell.recipe.stages["score"].model_dump()["seeds"] for cell in found.cells} == {(0, 1)}
    assert found.seeded == "seed"


def test_several_keys_are_all_combinations_and_a_grid_is_the_same_for_all(recipe: str) -> None:
    found = laid_out(recipe, "score.lr=1e-3,1e-4", "score.epochs=1,2", grid=["score.batch=8,16"], seeds=(0,))
    labels = ["lr=1e-3, epochs=1", "lr=1e-3, epochs=2", "lr=1e-4, epochs=1", "lr=1e-4, epochs=2"]
    assert [arm.label for arm in found.arms] == labels
    assert len(found.cells) == 4 * 2
    assert {cell.recipe.stages["score"].model_dump()["batch"] for cell in found.cells} == {8, 16}
    assert len({cell.recipe.name for cell in found.cells}) == 8


def test_lengths_of_two_measures_do_not_mean_the_same() -> None:
    """What a recipe sets for the ball of a row is not taken over by methods that measure by the token."""
    for name in ("step_size", "epsilon", "noise_scale", "unit"):
        kinds = [kind.model_fields[name].default for kind in (FreeLb, Alum, Smart)]
        assert kinds[0] not in kinds[1:], name


def test_nothing_is_null_where_that_is_allowed(recipe: str) -> None:
    found = laid_out(recipe, "score.rows=none,50")
    assert [one.stages["score"].model_dump()["rows"] for one in found.recipes] == [None, 50]
    assert laid_out(recipe, "shards.cleaning=none,light").arms[0].overrides == ("shards.cleaning=none",)


@pytest.mark.parametrize(
    ("vary", "given", "message"),
    [
        ("train.seed=1,2", [], None),
        ("score.seeds=[1],[2]", [], "score.seeds is what --seeds varies"),
        ("seed=1,2", [], "seed is what --seeds varies"),
        ("name=a,b", [], "changes no score"),
        ("score.lr=1e-3,1e-4", ["score.lr=1e-5"], "score.lr is given one value and varied as well"),
        ("train.steps=10,20", ["score=null"], "has no stage of kind finetune"),
    ],
)
def test_what_cannot_be_varied_is_refused(
    recipe: str, vary: str, given: list[str], message: str | None
) -> None:
    if message is None:
        assert laid_out(recipe, vary, given=given)
        return
    with pytest.raises(UsageError, match=message):
        laid_out(recipe, vary, given=given)


def test_slips_of_all_arms_are_told_at_once(recipe: str) -> None:
    with pytest.raises(RecipeError) as error:
        laid_out(recipe, "train.masking=tokn,{strategy: ngram, bugdet: 0.1},{strategy: ngram, budget: 2}")
    message = str(error.value)
    assert "'tokn' is none of" in message
    assert "bugdet" in message
    assert "budget: got 2" in message
