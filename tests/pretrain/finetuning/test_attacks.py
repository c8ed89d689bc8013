"""Attacks on text: only places change, as many as the budget allows, the same ones every time."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import UsageError
from pretrain.finetuning.attacks import AnyAttack, Place, Resources, drawn, free, replaced
from pretrain.finetuning.attacks.case import Case
from pretrain.finetuning.attacks.characters import Characters
from pretrain.finetuning.attacks.same_sound import SameSound
from pretrain.finetuning.attacks.similar_shape import SimilarShape
from pretrain.finetuning.attacks.synonym import Synonym
from pretrain.finetuning.attacks.typos import Typos, neighbours
from pretrain.finetuning.attacks.wordnet import WordNet

NOTHING = Resources(tokenizer=None)
ALONE = [one() for one in get_args(AnyAttack) if one not in (Synonym, WordNet)]  # need nothing beside
TEXT = st.text(st.sampled_from("末未清请再在 好Great film, it's 3,酒店!é"), max_size=30)


@pytest.mark.parametrize("attack", ALONE, ids=lambda one: one.attack)
@given(text=TEXT)
def test_places_are_in_the_text_in_order_and_every_choice_is_a_change(attack: AnyAttack, text: str) -> None:
    places = list(attack.finder(NOTHING)(text))
    assert [place.start for place in places] == sorted({place.start for place in places})
    for place in places:
        assert 0 <= place.start < place.end <= len(text)
        assert place.choices
        assert text[place.start : place.end] not in place.choices


@pytest.mark.parametrize("attack", ALONE, ids=lambda one: one.attack)
@given(text=TEXT, seed=st.integers(0, 5), row=st.integers(0, 5))
def test_what_is_drawn_is_a_function_of_its_arguments_and_keeps_the_rest(
    attack: AnyAttack, text: str, seed: int, row: int
) -> None:
    places = list(attack.finder(NOTHING)(text))
    most = attack.most(len(places))
    changed = drawn(text, places, most, seed, attack.name, row)
    assert changed == drawn(text, places, most, seed, attack.name, row)
    assert (changed == text) == (not places)
    if len(places) > 1 and all(len(choice) == 1 for place in places for choice in place.choices):
        differing = sum(a != b for a, b in zip(text, changed, strict=True))
        assert 1 <= differing <= max(1, round(attack.budget * len(places)))


def test_other_seeds_rows_and_attacks_draw_other_changes() -> None:
    text = "清楚的情况请说明" * 4
    places = SimilarShape().finder(NOTHING)(text)
    found = {
        drawn(text, places, 3, seed, name, row) for seed in (0, 1) for row in (0, 1) for name in ("a", "b")
    }
    assert len(found) == 8


def test_a_budget_is_a_share_of_the_places_and_one_at_least() -> None:
    attack = SimilarShape(budget=0.2)
    assert [attack.most(places) for places in (0, 1, 4, 10, 12)] == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("attack", "text", "wanted"),
    [
        (SimilarShape(), "期末", {"未"}),
        (SimilarShape(), "清", {"请", "情"}),
        (SameSound(), "再", {"在"}),
        (Characters(), "你好", {"好你", "好", "你你好"}),
        (Case(), "Great", {"GREAT", "great", "gREAT"}),
        (Typos(), "film", {"flim", "fil", "fiilm", "fulm", "filk"}),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_choices_are_those_a_person_would_expect(attack: AnyAttack, text: str, wanted: set[str]) -> None:
    offered = {choice for place in attack.finder(NOTHING)(text) for choice in place.choices}
    assert wanted <= offered


def test_sounds_are_those_of_the_sentence() -> None:
    """长 is zhǎng where children grow, and cháng of a river."""
    grown, road = (
        next(place.choices for place in SameSound().finder(NOTHING)(text) if text[place.start] == "长")
        for text in ("孩子长大了", "长江边的路")
    )
    assert "掌" in grown
    assert "常" in road
    assert not set(grown) & set(road)


def test_short_words_have_no_typos_and_neighbours_are_mutual() -> None:
    assert [place.start for place in Typos().places("a cat sat down")] == [10]
    letters = "qwertyuiopasdfghjklzxcvbnm"
    for letter in letters:
        assert neighbours(letter)
        assert all(letter in neighbours(near) for near in neighbours(letter))


def test_replaced_and_free_agree_about_places_that_cross() -> None:
    places = [Place(0, 2, ("x",)), Place(1, 3, ("y",)), Place(3, 4, ("",))]
    assert free(places, [places[0]]) == [places[2]]
    assert replaced("abcd", [(places[2], ""), (places[0], "x")]) == "xc"


def test_names_tell_attacks_with_other_budgets_apart() -> None:
    names = [one.name for one in (Typos(), Typos(budget=0.3), Typos(queries=50))]
    assert names == ["typos 15 %", "typos 30 %", "typos 15 %, 50 queries"]


def test_what_an_attack_needs_and_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"synonym takes similar words from a lexicon.*add a stage"):
        Synonym().finder(NOTHING)
    monkeypatch.setitem(__import__("sys").modules, "pypinyin", None)
    with pytest.raises(UsageError, match=r"pip install 'maskwright\[attacks\]'"):
        SameSound().finder(NOTHING)
    monkeypatch.setitem(__import__("sys").modules, "nltk.corpus", None)
    with pytest.raises(UsageError, match="wordnet needs nltk"):
        WordNet().finder(NOTHING)


def test_the_table_of_shapes_is_of_common_characters_and_leaves_none_as_it_is() -> None:
    path = Path(importlib.util.find_spec("pretrain.finetuning.attacks").submodule_search_locations[0])  # type: ignore[union-attr, index]
    lines = (path / "similar_shape.tsv").read_text("utf-8").splitlines()
    rows: Sequence[list[str]] = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(rows) > 6000
    assert all(len(letter) == 1 and letter not in others and 1 <= len(others) <= 5 for letter, others in rows)
