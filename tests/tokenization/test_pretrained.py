"""Names of pre-trained things: a folder, a hub name, or a path that leads nowhere."""

from pathlib import Path

import pytest

from corpora.errors import BadData
from tokenization.pretrained import folder_of


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
