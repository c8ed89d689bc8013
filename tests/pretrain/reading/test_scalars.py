import math

import pytest

from pretrain.reading.scalars import scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 0.0001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("3.", 3.0),
        ("-2.5e+3", -2500.0),
        ("1_000_000", 1000000),
        ("0o17", 15),
        ("0xff", 255),
        ("-7", -7),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["on", "off", "yes", "no", "y", "n", "2024-01-01", "1:30", "1.0.0", "1__0", "_1", "e5"]
)
def test_stays_text(text: str) -> None:
    assert scalar(text) == text


@pytest.mark.parametrize("text", ["010", "-007", "00", "0_1"])
def test_leading_zeros_are_refused_with_what_to_write(text: str) -> None:
    if text == "00":
        assert scalar(text) == 0
        return
    with pytest.raises(ValueError, match=f"write {int(text)} or 0o"):
        scalar(text)


def test_no_octal_is_offered_where_there_is_none() -> None:
    with pytest.raises(ValueError, match="write 89, or '089' in quotes"):
        scalar("089")


def test_absurd_numbers_are_refused_not_computed() -> None:
    with pytest.raises(ValueError, match="100000 characters"):
        scalar("9" * 100_000)


def test_infinities_are_left_to_the_settings() -> None:
    assert scalar("-.inf") == -math.inf
    assert math.isnan(float(str(scalar(".nan"))))
