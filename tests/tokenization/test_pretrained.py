"""Names of pre-trained things: a folder, a hub name, or a path that leads nowhere."""

from pathlib import Path

import pytest

from corpora.errors import BadData
from tokenization.pretrained import Pretrained, folder_of, open_pretrained


def test_a_folder_is_itself(tmp_path: Path) -> None:
    assert folder_of(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["bert-base-chinese", "hfl/chinese-macbert-base"])
def test_a_name_can_be_one_of_the_hub(name: str) -> None:
    assert folder_of(name) is None


def test_a_path_to_nothing_is_refused_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "macbert").mkdir()
    with pytest.raises(BadData, match=r"no folder .*/macbret \(.* has: macbert\)"):
        folder_of(str(tmp_path / "macbret"))
    for path in ("./no/such", "~/no-such-folder-here", "a/b/c"):
        with pytest.raises(BadData, match="there is no folder"):
            folder_of(path)


def test_a_folder_has_no_revision(tmp_path: Path) -> None:
    assert Pretrained(path=str(tmp_path)).folder() == tmp_path
    with pytest.raises(BadData, match=r"is a folder, which has no revision 'main'; leave that out"):
        Pretrained(path=str(tmp_path), revision="main").folder()


def test_the_files_of_a_folder_are_known_and_those_of_a_name_are_not(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in Pretrained(path=str(tmp_path)).files((".json",))] == ["a.json", "b.json"]
    assert Pretrained(path="bert-base-chinese").files((".json",)) == []


class Opener:
    """Stands for a `from_pretrained`, which finds nothing on this machine; what it was asked."""

    def __init__(self, here: bool) -> None:
        self.here, self.asked = here, list[tuple[object, dict[str, object]]]()

    def __call__(self, path: object, **options: object) -> str:
        self.asked.append((path, options))
        if options.get("local_files_only") and not self.here:
            raise OSError("not here")
        return "opened"


def test_what_was_fetched_is_used_again_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: pytest.fail("the hub was asked"))
    opener = Opener(here=True)
    assert open_pretrained(Pretrained(path="bert", revision="8f23"), opener) == "opened"
    assert opener.asked == [("bert", {"revision": "8f23", "local_files_only": True})]


def test_what_was_not_is_fetched_from_the_hub_at_that_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[dict[str, object]]()
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **options: asked.append(options))
    opener = Opener(here=False)
    assert open_pretrained(Pretrained(path="bert", revision="8f23"), opener) == "opened"
    assert opener.asked[-1] == ("bert", {"revision": "8f23"})
    assert asked == [{"revision": "8f23", "timeout": 10}]


def test_without_the_hub_the_message_says_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    opener = Opener(here=False)
    with pytest.raises(
        BadData, match=r"^bert@8f23 is no folder here .* cannot be reached \(Name or .*give a folder"
    ):
        open_pretrained(Pretrained(path="bert", revision="8f23"), opener)
    assert len(opener.asked) == 1


def test_what_can_be_neither_folder_nor_hub_name_is_said() -> None:
    with pytest.raises(BadData, match=r"'my model' is no folder here, nor can it be a name on the"):
        open_pretrained(Pretrained(path="my model"), Opener(here=False))
