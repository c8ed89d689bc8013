import pytest

from corpora.errors import UsageError
from pretrain.reading.explaining import explain
from tests.pretrain.reading.toys import KINDS


def test_type_range_default_and_meaning() -> None:
    assert explain("learn.steps", KINDS).splitlines() == [
        "learn.steps",
        "  type     a whole number, at least 1",
        "  default  none: it has to be given",
        "  How long.",
    ]


@pytest.mark.parametrize(
    "key", ["budget", "learn.masking.budget", "train.masking.budget", "stages.learn.masking.budget"]
)
def test_a_key_of_several_members_is_told_once(key: str) -> None:
    found = explain(key, KINDS).split("\n\n")
    assert (
        "learn.masking.budget   (of plain, runs)\n  type     a number, more than 0, less than 1" in found[-1]
    )


def test_a_family_lists_its_members() -> None:
    text = explain("learn.masking", KINDS)
    assert "type     'plain' or 'runs'" in text
    assert "default  {strategy: plain, budget: 0.15}" in text
    assert "  - runs: Runs of words." in text


def test_a_kind_lists_its_keys() -> None:
    text = explain("learn", KINDS)
    assert text.startswith("learn: Learn from text.")
    assert "learn.micro_batch      Rows at once." in text


def test_keys_of_the_recipe_itself() -> None:
    assert "Seed of shards" in explain("data_seed", KINDS)


@pytest.mark.parametrize(
    ("key", "close"), [("bugdet", "'budget'"), ("learn.masking.bugdet", "'learn.masking.budget'")]
)
def test_a_miss_names_the_nearest(key: str, close: str) -> None:
    with pytest.raises(UsageError, match=rf"no key '{key}' \(nearest: {close}\)"):
        explain(key, KINDS)
