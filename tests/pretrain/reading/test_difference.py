from pretrain.reading.difference import difference


def test_only_what_changed_is_told_in_the_order_of_the_keys() -> None:
    old = {"steps": 300, "speed": {"zero": 0}, "lengths": [0.5, 0.5], "gone": 1, "name": "1"}
    new = {"steps": 400, "speed": {"zero": 0, "compile": True}, "lengths": (0.5, 0.5), "name": 1}
    assert difference(old, new, "train") == [
        "train.steps 300 -> 400",
        "train.speed.compile (unset) -> true",
        "train.gone 1 -> (unset)",
        'train.name "1" -> 1',
    ]


def test_a_value_that_becomes_a_mapping_is_one_line() -> None:
    assert difference({"m": None}, {"m": {"a": [1, 2]}}, "s") == ["s.m null -> {a: [1, 2]}"]
