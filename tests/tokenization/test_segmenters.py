"""Every segmenter: words cover the text and nothing twice; jieba's are jieba's."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from corpora.errors import BadData
from tokenization.segmenters import Character, Jieba, Segment, Segmenter, Whitespace

MIXED = st.text(
    st.sampled_from("我们在北京大学读书了。，ABCxyz019.-%+# \t\n\u3000é😀𠀀한カ１ａ"), max_size=40
) | st.text(max_size=20)
SENTENCES = (
    "他来到了网易杭研大厦",
    "小明硕士毕业于中国科学院计算所，后在日本京都大学深造。",
    "iPhone4S比Nokia好3.5倍吗？C++和.NET 100%",
    "  １９９８年\u3000新年讲话——附图片\r\n１张  ",
    "",
)


@pytest.fixture(scope="module")
def segment() -> Segment:
    return Jieba().prepare()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> "object":
    """jieba as its own users get it, but for its cache in the shared temporary folder."""
    import jieba

    tokenizer = jieba.Tokenizer()
    tokenizer.tmp_dir = str(tmp_path_factory.mktemp("jieba"))
    return tokenizer


def words(segment: Segment, text: str) -> list[str]:
    return [text[begin:end] for begin, end in segment(text)]


@given(MIXED)
def test_words_cover_every_visible_character_once(segment: Segment, text: str) -> None:
    for each in (
        segment,
        Character().prepare(),
        Whitespace().prepare(),
        Whitespace(punctuation=False).prepare(),
    ):
        spans = each(text)
        covered = [place for begin, end in spans for place in range(begin, end)]
        assert covered == sorted(set(covered))
        assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(covered)


@pytest.mark.parametrize("hmm", [True, False])
def test_words_are_those_of_jieba(reference, hmm: bool) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    segment = Jieba(hmm=hmm).prepare()
    for text in SENTENCES:
        expected = [word for word in reference.cut(text, HMM=hmm) if not word.isspace()]
        assert words(segment, text) == expected


@given(MIXED)
def test_words_are_those_of_jieba_on_any_mixture(reference, segment: Segment, text: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert words(segment, text) == [word for word in reference.cut(text) if not word.isspace()]


def test_a_user_dictionary_is_jiebas(tmp_path: Path, reference) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff杭研大厦 10 n\r\n云计算平台\n\n".encode())
    text = "网易杭研大厦的云计算平台"
    mine = words(Jieba(user_dictionary=str(path)).prepare(), text)
    assert "杭研大厦" in mine
    theirs = copy.copy(reference)
    theirs.FREQ = dict(reference.FREQ)
    with path.open("rb") as file:
        theirs.load_userdict(file)
    assert mine == list(theirs.cut(text))


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"\xff\xfe", r"words.txt:2: byte 1"), ("坏 0".encode(), r"words.txt:2: '坏' has count 0")],
)
def test_a_bad_line_of_a_user_dictionary_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("好词 3\n".encode() + line)
    with pytest.raises(BadData, match=message):
        Jieba(user_dictionary=str(path)).prepare()


def test_no_cache_is_read_or_written(tmp_path: Path) -> None:
    (tmp_path / "jieba.cache").write_bytes(b"not marshal")
    code = "from tokenization.segmenters import Jieba; print(Jieba().prepare()('来到北京'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("[(0, 2), (2, 4)]\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"not marshal"


def test_a_bare_word_chooses_a_segmenter() -> None:
    adapter = TypeAdapter[object](Segmenter)
    assert adapter.validate_python("whitespace") == Whitespace()
    with pytest.raises(ValidationError, match="'jieba', 'character', 'whitespace'"):
        adapter.validate_python("jeiba")
