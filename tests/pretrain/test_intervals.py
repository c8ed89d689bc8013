import pytest
from pydantic import ValidationError

from pretrain.intervals import seconds_of
from tests.pretrain.toys import toy_train


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1 second", 1), ("90 seconds", 90), ("30 minutes", 1800), ("30minutes", 1800), ("0.5 hours", 1800)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
    assert toy_train(save_every=text).save_every == text


@pytest.mark.parametrize(
    "text", ["1000", "30", "minutes", "0 minutes", "3 days ago", "-5 minutes", "1 month"]
)
def test_what_is_no_time_says_what_would_be(text: str) -> None:
    with pytest.raises(ValidationError, match=f"'{text}' is neither a number of steps nor a time such as"):
        toy_train(save_every=text)
    with pytest.raises(ValidationError):
        toy_train(save_every=0)
