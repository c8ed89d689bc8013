import pytest

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.kinds import KINDS as RECIPES
from pretrain.reading.explaining import explain
from tests.pretrain.reading.toys import KINDS


def test_type_range_default_and_meaning() -> None:
    assert explain("learn.steps", KINDS).splitlines() == [
        "learn.steps",
        "  type     a whole number, at least 1",
        "  default  none: it has to be given",
        "  How long.",
    ]


def test_asides_are_marked_and_so_is_what_is_inside_them() -> None:
    aside = "  aside    may change at any time"
    for key in ("train.log_every", "train.speed", "train.speed.zero", "trackers"):
        assert aside in explain(key, RECIPES)
    for key in ("train.steps", "train.masking.budget"):
        assert aside not in explain(key, RECIPES)


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


class Wordy(Settings):
    """One sentence that is too
    long for a line.

    More."""

    first: int = 1
    """A sentence of
    two lines. Another."""

    second: int = 1
    """Short.
    Not told in a list."""


def test_a_list_never_ends_within_a_sentence() -> None:
    text = explain("wordy", {"wordy": Wordy})
    assert text.startswith("wordy: One sentence that is too long for a line.\n")
    assert text.splitlines()[1:] == [
        "  wordy.first            A sentence of two lines. Another.",
        "  wordy.second           Short.",
    ]


def test_keys_that_read_alike_are_told_once() -> None:
    class Inner(Settings):
        """Inner."""

        width: int = 1
        """How wide."""

    class Outer(Settings):
        """Outer."""

        one: Inner = Inner()
        """The one."""
        other: Inner = Inner()
        """The other."""

    assert explain("width", {"toy": Outer}).splitlines() == [
        "toy.one.width",
        "toy.other.width",
        "  type     a whole number",
        "  default  1",
        "  How wide.",
    ]


def test_keys_of_the_recipe_itself() -> None:
    assert "Seed of shards" in explain("data_seed", KINDS)


@pytest.mark.parametrize(
    ("key", "close"), [("bugdet", "'budget'"), ("learn.masking.bugdet", "'learn.masking.budget'")]
)
def test_a_miss_names_the_nearest(key: str, close: str) -> None:
    with pytest.raises(UsageError, match=rf"no key '{key}' \(nearest: {close}\)"):
        explain(key, KINDS)
