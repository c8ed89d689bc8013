"""The command line's words: what is meant is read, what may be meant otherwise is refused."""

import pytest

from corpora.errors import UsageError
from pretrain.comparing.asked import choice, distinct, seeds, split


def test_values_are_cut_at_commas_outside_of_brackets_and_quotes() -> None:
    found = choice("stages.train.masking=token,{strategy: ngram, lengths: [0.5, 0.5]},whole_word", "--vary")
    assert found.key == "train.masking"
    assert found.stage == "train"
    assert found.values == ("token", "{strategy: ngram, lengths: [0.5, 0.5]}", "whole_word")
    assert list(split("'a,b',\"c,d\",[e,{f: g,h: i}]")) == ["'a,b'", '"c,d"', "[e,{f: g,h: i}]"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.masking", "wanted KEY=VALUE,VALUE"),
        ("=token,ngram", "wanted KEY=VALUE,VALUE"),
        ("train.masking=token,", "a value is empty"),
        ("train.masking=token,token", "token is there twice"),
        ("train.masking=token", "one value is nothing to compare"),
    ],
)
def test_a_slip_is_told(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choice(text, "--vary")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("0-4", (0, 1, 2, 3, 4)), ("0,1,7", (0, 1, 7)), ("7, 0-1", (0, 1, 7)), ("3-3", (3,)), ("0", (0,))],
)
def test_seeds_are_ranges_and_lists(text: str, wanted: tuple[int, ...]) -> None:
    assert seeds(text) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "5 seeds are 0-4, the seed 5 alone is 5-5"),
        ("0..4", "wanted a range or a list"),
        ("", "wanted a range or a list"),
        ("4-0", "no range of 1 to 1000"),
        ("0-5000", "no range of 1 to 1000"),
        ("0-2,2", "twice"),
    ],
)
def test_seeds_that_may_mean_something_else_are_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        seeds(text)


def test_a_key_is_varied_once_and_not_within_another() -> None:
    whole, part = (
        choice("train.masking=token,ngram", "--vary"),
        choice("train.masking.budget=0.1,0.2", "--vary"),
    )
    with pytest.raises(
        UsageError, match=r"train.masking and train.masking.budget are one thing varied twice"
    ):
        distinct([whole, part])
    assert distinct([whole, choice("train.lr=1,2", "--vary")])
