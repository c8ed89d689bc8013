"""Where the artefacts of a recipe stand, before any of them is made."""

from pathlib import Path

import pytest

from corpora.errors import BadData, UsageError
from pretrain.running.chain import chain, selected
from pretrain.running.store import Store
from tests.pretrain.roof import finish, recipe

NAMES = ["shards", "tokens", "train", "score"]


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text("text")
    return tmp_path / "text.txt"


def test_a_stage_reads_where_the_other_will_write(text: Path, tmp_path: Path) -> None:
    first, second = chain(recipe(text), Store(tmp_path))
    assert second.inputs == {"data": first.place}
    assert second.identity["inputs"] == {"data": first.fingerprint}
    assert first.place == tmp_path / f"shards-{first.fingerprint}"


def test_a_change_moves_its_stage_and_those_after_it(text: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    plain, longer, more = (
        [link.fingerprint for link in chain(one, store)]
        for one in (recipe(text), recipe(text, steps=11), recipe(text, times=2))
    )
    assert plain[0] == longer[0]
    assert len({plain[1], longer[1], more[1]}) == 3
    assert more[0] != plain[0]


def test_what_is_done_needs_its_text_no_more(text: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = chain(recipe(text), store)
    noted = {"gather": {"identity": first.identity, "artefact": first.place.name}}
    text.unlink()
    with pytest.raises(BadData, match="there is no"):
        chain(recipe(text), store, noted)  # noted, but not finished
    finish(first)
    again = chain(recipe(text), store, noted)
    assert [link.fingerprint for link in again] == [first.fingerprint, second.fingerprint]
    with pytest.raises(BadData, match="there is no"):
        chain(recipe(text, times=2), store, noted)  # other settings need the text again


def test_the_folder_of_an_artefact_is_as_good_as_its_stage(text: Path, tmp_path: Path) -> None:
    store = Store(tmp_path)
    first, second = chain(recipe(text), store)
    made = finish(first)
    assert chain(recipe(text, data=made.path), store)[1].fingerprint == second.fingerprint
    with pytest.raises(UsageError, match="no finished artefact"):
        chain(recipe(text, data=tmp_path), store)
    learned = finish(second)
    with pytest.raises(UsageError, match="holds 'checkpoint', but 'shards' is needed"):
        chain(recipe(text, data=learned.path), store)


@pytest.mark.parametrize(
    ("only", "first", "until", "left"),
    [
        (None, None, None, NAMES),
        ("tokens", None, None, ["tokens"]),
        (None, "tokens", None, NAMES[1:]),
        (None, None, "tokens", NAMES[:2]),
        (None, "tokens", "tokens", ["tokens"]),
        (None, "tokens", "train", ["tokens", "train"]),
    ],
)
def test_selection(only: str | None, first: str | None, until: str | None, left: list[str]) -> None:
    assert selected(NAMES, only, first, until) == left


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("trian", None, None), r"--only trian: no stage of that name \(nearest: 'train'\) \(stages: shards"),
        ((None, "x", None), "--from x: no stage"),
        ((None, None, "x"), "--until x: no stage"),
        ((None, "train", "tokens"), "--from train comes after --until tokens: nothing to do"),
        (("train", "tokens", None), "--only train stands alone: leave out --from and --until"),
    ],
)
def test_selections_that_cannot_be(given: tuple[str | None, str | None, str | None], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        selected(NAMES, *given)
