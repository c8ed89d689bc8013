"""The greedy search against a classifier that is a formula, and accuracy under attack as a whole."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpora.labelled import Row
from pretrain.finetuning.attacks import Place, Resources
from pretrain.finetuning.attacks.similar_shape import SimilarShape
from pretrain.finetuning.robustness import Attacked, attackers, remarks
from pretrain.finetuning.searching import Found, Search, search, search_all

WEIGHTS = {"a": 3.0, "b": 2.0, "c": 0.5, "x": -4.0, "y": -1.0}


def say(texts: Sequence[str]) -> NDArray[np.float64]:
    """Class 1 is as likely as the letters weigh: a logistic bag of letters."""
    one = 1 / (1 + np.exp(-np.array([sum(WEIGHTS.get(c, 0.0) for c in text) for text in texts])))
    return np.stack([1 - one, one], axis=1)


def run(walk: Search) -> tuple[Found, list[list[str]]]:
    """The end of a search, and what it asked."""
    asked = [next(walk)]
    while True:
        try:
            asked.append(walk.send(say(asked[-1])))
        except StopIteration as end:
            return end.value, asked


def places(text: str, choices: str = "xy") -> list[Place]:
    return [Place(n, n + 1, tuple(choices)) for n in range(len(text))]


def test_the_most_important_place_is_changed_first_and_by_the_worst_choice() -> None:
    found, asked = run(search("cab", places("cab"), truth=1, most=2, queries=50))
    assert asked[1] == ["ab", "cb", "ca"]  # each place left out
    assert asked[2] == ["cxb", "cyb"]  # `a` weighs most: 0.5 + 2 - 4 < 0 turns the answer
    assert found == Found("cxb", right=False, queries=1 + 3 + 2)


def test_a_search_goes_on_until_the_budget_is_spent_and_keeps_what_hurts() -> None:
    found, asked = run(search("aab", places("aab", "y"), truth=1, most=2, queries=50))
    assert asked[2:] == [["yab"], ["yyb"]]  # 3 + 2 - 1 = 4, then 2 - 2 = 0: a tie goes to the first class
    assert found.text == "yyb"
    assert not found.right
    stood, _ = run(search("aaab", places("aaab", "y"), truth=1, most=1, queries=50))
    assert stood == Found("yaab", right=True, queries=1 + 4 + 1)


def test_rows_that_are_wrong_already_or_have_no_place_cost_one_query() -> None:
    assert run(search("x", places("x"), 1, 1, 50))[0] == Found("x", False, 1)
    assert run(search("a", [], 1, 1, 50))[0] == Found("a", True, 1)


@given(text=st.text("abcxy", min_size=1, max_size=12), queries=st.integers(1, 40), most=st.integers(1, 5))
def test_neither_queries_nor_changes_exceed_what_is_allowed(text: str, queries: int, most: int) -> None:
    found, asked = run(search(text, places(text), 1, most, queries))
    assert found.queries == sum(map(len, asked)) <= 1 + max(queries, 2)
    assert sum(a != b for a, b in zip(text, found.text, strict=True)) <= most
    assert found.right == bool(say([found.text])[0].argmax() == 1)


def test_searches_side_by_side_end_as_they_do_alone() -> None:
    texts = ["ab", "aab", "x", "cab", "bbb"] * 30  # more than are asked together
    alone = [run(search(text, places(text), 1, 2, 20))[0] for text in texts]
    walks = (search(text, places(text), 1, 2, 20) for text in texts)
    assert list(search_all(walks, lambda asked: say([text for _, text in asked]))) == alone


ROWS = [
    Row("清楚", label=1, identity="1"),
    Row("清早的晴天", second="情", label=1, identity="2"),
    Row("ok", label=0, identity="3"),
]


def ask(rows: Sequence[Row]) -> NDArray[np.float32]:
    """Class 1 where 清 is in the first text."""
    has = np.array(["清" in row.text for row in rows], dtype=np.float32)
    assert all(row.second == ("情" if row.identity == "2" else None) for row in rows)
    return np.stack([0.5 - has, has], axis=1)


def attacked(**settings: object) -> Attacked:
    attack = SimilarShape.model_validate({"budget": 1.0, **settings})
    (ready,) = attackers([attack], Resources(tokenizer=None))
    return ready.run(ROWS, 0, ask)


def test_accuracy_under_attack_is_of_the_changed_first_texts() -> None:
    found = attacked()
    assert (found.accuracy, found.clean, found.rows) == pytest.approx((1 / 3, 1.0, 3))
    assert (found.changed, found.queries) == pytest.approx((2 / 3, 1.0))
    assert attacked(rows=1) == Attacked(accuracy=0, clean=1, rows=1, changed=1, queries=1)


def test_the_greedy_search_is_told_with_its_queries() -> None:
    found = attacked(queries=30, budget=0.01)
    assert found.accuracy == pytest.approx(1 / 3)  # one place is enough, where chance would have to hit it
    assert found.queries > 1


def test_an_attack_for_other_text_is_remarked() -> None:
    one = Attacked(accuracy=0.9, clean=0.9, rows=10, changed=0.0, queries=1)
    assert remarks({"typos 15 %": one}) == [
        "typos 15 % changed 0% of 10 rows: an attack for other text than this?"
    ]
    assert not remarks({"typos 15 %": one.model_copy(update={"changed": 0.9})})
