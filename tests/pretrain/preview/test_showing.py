"""What a person sees of a token set."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.text import Text

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.__main__ import main
from pretrain.preview.showing import choose, open_tokens, show
from tests.tokenization.making import CLS, PLAIN, SEP, SPECIALS, make_token_set, row
from tokenization.tokens import Row

ID = {token: number for number, token in enumerate((*SPECIALS, *PLAIN))}


def spelt(*words: str) -> list[list[int]]:
    """Words by their tokens: `a##b` is two."""
    return [[ID[piece] for piece in word.replace("##", " ##").split()] for word in words]


PAIR = row(spelt("我 们", "在", "北 京"), [*spelt("a ##b ##ing"), [1, ID["京"]]], 3)
ROWS = [
    replace(PAIR, unknown=["龘"]),
    replace(PAIR, unknown=["龘"], second_document=9),
    Row([CLS, ID["我"], SEP, ID["你"], 1, SEP], [1] * 6, 0, 5, [0, 3, 3], [""]),
]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    rows = [replace(each, second_document=each.second_document or each.document) for each in ROWS]
    return make_token_set(tmp_path_factory.mktemp("set") / "tokens", rows)


def lines(artefact: Artefact, numbers: list[int]) -> list[Text]:
    return list(show(open_tokens(artefact.path, "train"), numbers))


def test_words_stand_apart_and_segments_on_lines_of_their_own(artefact: Artefact) -> None:
    assert [line.plain for line in lines(artefact, [0, 1, 2])] == [
        "row 0: document 3, 13 tokens, 5 words",
        "  A  [CLS] 我们 在 北京 [SEP]",
        "  B  a##b##ing [UNK 龘]京 [SEP]",
        "row 1: document 3, B of document 9, 13 tokens, 5 words",
        "  A  [CLS] 我们 在 北京 [SEP]",
        "  B  a##b##ing [UNK 龘]京 [SEP]",
        "row 2: documents 5 to 7, 6 tokens, 3 words",
        "  document 5 [CLS] 我 [SEP]",
        "  document 7 你 [UNK] [SEP]",
    ]


def styles(line: Text) -> dict[str, str]:
    return {line.plain[span.start : span.end]: str(span.style) for span in line.spans}


def test_colours_tell_words_specials_and_unknown_apart(artefact: Artefact) -> None:
    _, first, second = lines(artefact, [0])
    said = styles(first)
    assert said["  A  "] == said["[CLS]"] == said["[SEP]"] == "dim"
    assert {said["我们"], said["在"]} == {"cyan", "yellow"}
    assert said["我们"] == said["北京"]
    assert styles(second)["[UNK 龘]"] == "bold red"
    assert styles(second)["京"] != styles(second)["a##b##ing"]


def test_the_command_prints_rows(artefact: Artefact, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(artefact.path), "--row", "2", "-n", "4"]) == 0
    assert capsys.readouterr().out.splitlines() == [line.plain for line in lines(artefact, [2])]


def test_byte_level_pieces_are_read_together(tmp_path: Path) -> None:
    """Two of three bytes of a character, and the third with a space: one word."""
    artefact = make_token_set(tmp_path / "set", [row([[5, 6]])], tokens=("Ġæĺ", "¯"))
    place = artefact.path / "tokenizer" / "tokenizer.json"
    made = json.loads(place.read_text("utf-8"))
    made["decoder"] = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    opened = open_tokens(artefact.path, "train")
    place.write_text(json.dumps(made), "utf-8")
    assert [line.plain for line in show(opened, [0])][1] == "     [CLS] 是 [SEP]"


def test_rows_are_chosen(artefact: Artefact) -> None:
    tokens = open_tokens(artefact.path, "train")
    assert choose(tokens, 5, None, None) == [0, 1, 2]
    assert choose(tokens, 1, 1, None) == [1]
    assert choose(tokens, 2, None, 7) == choose(tokens, 2, None, 7)
    assert {tuple(choose(tokens, 2, None, seed)) for seed in range(20)} == {(0, 1), (0, 2), (1, 2)}
    with pytest.raises(UsageError, match="there is no row 3: the rows are 0 to 2"):
        choose(tokens, 1, 3, None)


def test_the_folder_of_a_run_will_do(artefact: Artefact, tmp_path: Path) -> None:
    def note(**stages: Artefact) -> None:
        noted = {name: {"identity": None, "artefact": str(one.path)} for name, one in stages.items()}
        (tmp_path / "stages.json").write_text(json.dumps(noted))

    note(tokens=artefact)
    assert len(open_tokens(tmp_path, "train")) == 3
    note(short=artefact, long=artefact)
    with pytest.raises(UsageError, match=r"several token sets, give one of them \(short: .*, long: "):
        open_tokens(tmp_path, "train")


def test_what_is_no_token_set_is_told(artefact: Artefact, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none holds no token set \(no such folder\)"):
        open_tokens(tmp_path / "none", "train")
    with pytest.raises(UsageError, match="nor notes of a run with tokens"):
        open_tokens(tmp_path, "train")
    with pytest.raises(UsageError, match=r"no rows of 'test' \(it has: train\)"):
        open_tokens(artefact.path, "test")
