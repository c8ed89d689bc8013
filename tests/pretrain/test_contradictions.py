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


CASES: Mapping[str, list[str]] = {
    "tokens.packing={kind: full_sentences, length: 128}": [
        "first.objectives.sop: sop needs rows of two segments"
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
        load(recipe, list(CASES)[2:6])
    assert len(caught.value.problems) == 5
