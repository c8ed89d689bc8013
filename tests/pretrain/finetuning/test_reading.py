"""EM and F1: values counted by hand from the published scorers' rules."""

import pytest

from pretrain.finetuning.reading import scored


@pytest.mark.parametrize(
    ("right", "said", "f1", "exact"),
    [
        (["Denver Broncos"], "the Denver Broncos!", 1.0, 1.0),
        (["Denver Broncos", "Broncos"], "Broncos", 1.0, 1.0),  # the nearest right answer counts
        (["gold and black"], "black gold", 0.8, 0.0),  # 2 common of 3 and 2
        (["Santa Clara, California"], "Santa Clara", 0.8, 0.0),
        (["10%"], "10", 1.0, 1.0),
        (["a b b"], "b b b", 0.8, 0.0),  # two b are common; the article a is none of the words
        ([], "", 1.0, 1.0),
        ([], "anything", 0.0, 0.0),
        (["something"], "", 0.0, 0.0),
    ],
)
def test_squad(right: list[str], said: str, f1: float, exact: float) -> None:
    assert scored("squad", right, said) == pytest.approx((f1, exact))


@pytest.mark.parametrize(
    ("right", "said", "f1", "exact"),
    [
        (["光荣和ω-force"], "光荣和Ω-Force", 1.0, 1.0),  # case and punctuation do not count
        (["《战国无双3》"], "战国无双3", 1.0, 1.0),
        (["中国北京"], "北京", 2 * 2 / 6, 0.0),
        (["北京大学"], "北京的大学", 2 * 2 / 9, 0.0),  # 北京 or 大学: the longest common run, not all of them
        (["2008年8月8日"], "2008年", 2 * 2 / 8, 0.0),  # 2008 is one segment
        (["iPhone 4 手机"], "iphone 4", 2 * 2 / 6, 0.0),
        (["村民", "村民们"], "村民们", 1.0, 1.0),
        (["村民"], "居委会", 0.0, 0.0),
        (["村民"], "", 0.0, 0.0),
    ],
)
def test_cmrc(right: list[str], said: str, f1: float, exact: float) -> None:
    assert scored("cmrc", right, said) == pytest.approx((f1, exact))
