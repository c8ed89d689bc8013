import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from pretrain.recipe import RecipeError, load

RECIPE = """
stages:
  text: {kind: shard, sources: [a.txt]}
  tokens:
    {kind: encode, tokenizer: {train: wordpiece_zh, size: 100}, packing: {kind: segment_pairs, length: 128}}
  words: {kind: lexicon, provider: {name: word2vec, path: v.bin}}
  first:
    kind: train
    model: {type: bert, max_position_embeddings: 128}
    objectives: {mlm: 1, sop: 1}
    batch: 2
    steps: 5
  second: {kind: train, start: first, replacement: similar_word, objectives: {mlm: 1}, batch: 2, steps: 5}
  release: {kind: export, checkpoint: second, step: 5}
  score: {kind: finetune, data: {files: {a: x, b: y}}, length: 128}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    path = tmp_path / "r.yaml"
    path.write_text(RECIPE)
    return str(path)


def test_what_fits_is_accepted(recipe: str) -> None:
    assert len(load(recipe).stages) == 7


def test_a_row_that_fits_with_some_pad_id_is_accepted(recipe: str) -> None:
    """RoBERTa loses as many positions as its pad id says, and a trained tokenizer's is 0."""
    roberta = ["first.model.type=roberta", "first.objectives={mlm: 1}"]
    assert len(load(recipe, [*roberta, "first.model.max_position_embeddings=129"]).stages) == 7
    with pytest.raises(RecipeError, match="the network has 127 positions"):
        load(recipe, roberta)


def test_a_checkpoint_in_a_folder_has_the_positions_that_it_says(recipe: str, tmp_path: Path) -> None:
    """Found before any text is read; a folder that says nothing is the matter of the stage."""
    config = {"model_type": "roberta", "max_position_embeddings": 130, "pad_token_id": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    given = ["first.model=null", f"first.from_pretrained={tmp_path}"]
    assert len(load(recipe, given).stages) == 7
    with pytest.raises(
        RecipeError, match=r"the network has 128 positions: lower tokens\.packing\.length$"
    ) as caught:
        load(recipe, [*given, "tokens.packing.length=129"])
    assert len(caught.value.problems) == 2  # of the stage that goes on from it, too
    (tmp_path / "config.json").write_text("{")
    assert len(load(recipe, [*given, "tokens.packing.length=129"]).stages) == 7


def test_single_tokens_need_no_words(recipe: str) -> None:
    tokens_alone = ["tokens.segmenter=character", "first.masking=token", "second.masking=token"]
    assert len(load(recipe, tokens_alone).stages) == 7


def test_a_mask_rate_is_a_number_or_of_a_family(recipe: str) -> None:
    for value, said in {
        "{name: lin}": "first.masking.budget.name: 'lin' is none of 'linear', 'steps' (nearest: 'linear')",
        "{from: 0.1}": "first.masking.budget: has no `name`, wanted one of 'linear', 'steps'",
        "1.5": "first.masking.budget: got 1.5, wanted at most 1.0",
        ".nan": "first.masking.budget: got nan, wanted a finite number",
        "{name: steps, rates: [0.1, 0.2], milestones: []}": "2 rates need 1 milestones between them, got 0",
        "{name: steps, rates: [0.1, 0.2, 0.3], milestones: [3, 3]}": "milestones: have to rise, got [3, 3]",
    }.items():
        with pytest.raises(RecipeError) as caught:
            load(recipe, [f"first.masking.budget={value}"])
        assert said in str(caught.value)
        assert len(caught.value.problems) == 1


CASES: Mapping[str, list[str]] = {
    "tokens.packing={kind: full_sentences, length: 128}": [
        "first.objectives.sop: sop needs rows of two segments"
    ],
    "tokens.packing.random_next=0.5": ["first.objectives.sop: sop needs segments that follow one another"],
    "first.objectives={mlm: 1, sop: 0, nsp: 1}": [
        "first.objectives.nsp: nsp needs segments of other documents, too: set tokens.packing.random_next to"
    ],
    "first.model.hidden_size=null": ["first.model: Field 'hidden_size' expected int, got NoneType"],
    "words=null": ["second.replacement: similar_word needs similar words"],
    "tokens.packing.length=129": [
        "first: reads rows of up to 129 tokens, but the network has 128 positions",
        "second: reads rows of up to 129 tokens, but the network has 128 positions",
    ],
    "score.length=129": ["score.length: is 129, but the network has 128 positions: lower score.length"],
    "release.step=6": ["release.step: is 6, but second ends after 5 steps"],
    "first.schedule.warmup_steps=9": ["first.schedule.warmup_steps: is 9, but training ends after 5"],
    "tokens.segmenter=character": [
        "first.masking: whole_word needs words, but tokens.segmenter makes each character a word",
        "second.masking: whole_word needs words, but tokens.segmenter makes each character a word",
    ],
    "first.masking.budget={name: linear, from: 0.1, to: 0.2, steps: 9}": [
        "first.masking.budget: changes until step 9, but training ends after 5"
    ],
}


@pytest.mark.parametrize("override", CASES)
def test_what_cannot_be_together_is_told(recipe: str, override: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(recipe, [override])
    problems = caught.value.problems
    told = [str(problem).removeprefix(f"{problem.place}: ") for problem in problems]
    assert len(told) == len(CASES[override])
    for line, said in zip(told, CASES[override], strict=True):
        assert line.startswith(said)


def test_all_are_told_at_once(recipe: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(recipe, list(CASES)[4:8])
    assert len(caught.value.problems) == 5


def test_a_generator_without_a_projection_is_found_before_any_work(recipe: str) -> None:
    both = ["first.objectives={electra: 50}", "second.objectives={electra: 50}"]
    assert len(load(recipe, both).stages) == 7  # beside BERT, a narrow one is ELECTRA's
    roberta = ["first.model.type=roberta", "first.model.max_position_embeddings=130"]
    with pytest.raises(RecipeError, match=r"generator: a roberta network has no projection from tables of"):
        load(recipe, [*both, *roberta])
    assert len(load(recipe, [*both, *roberta, "first.generator={width: 1.0, depth: 0.5}"]).stages) == 7
