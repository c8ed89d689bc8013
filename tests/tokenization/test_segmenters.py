"""Every segmenter: words cover the text and nothing twice; jieba's are jieba's."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from corpora.errors import BadData
from tests.tokenization.jiebas import Jiebas
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
        assert spans.dtype == np.int64
        assert spans.shape == (len(spans), 2)
        covered = [place for begin, end in spans for place in range(begin, end)]
        assert covered == sorted(set(covered))
        assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(covered)


@pytest.mark.parametrize("hmm", [True, False])
def test_words_are_those_of_jieba(jieba: Jiebas, hmm: bool) -> None:
    segment = Jieba(hmm=hmm).prepare()
    for text in SENTENCES:
        assert words(segment, text) == jieba.words(text, hmm)


@pytest.mark.parametrize("hmm", [True, False])
def test_a_user_dictionary_is_jiebas(tmp_path: Path, jieba: Jiebas, hmm: bool) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("\ufeff杭研大厦 10 n\r\n云计算平台\n\n大学 0\nＡ股\n股C罗 7\nC罗\n".encode())
    segment = Jieba(user_dictionary=str(path), hmm=hmm).prepare()
    text = "网易杭研大厦的云计算平台，C罗大学讲股C罗、Ａ股"
    assert {"杭研大厦", "云计算平台", "C罗"} <= set(words(segment, text))
    assert words(segment, text) == jieba.with_words_of(path).words(text, hmm)


def test_a_file_of_a_user_dictionary_is_named_with_jiebas(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("好词")
    named = [file.name for file in Jieba(user_dictionary=str(path)).files()]
    assert named == ["dict.txt", "prob_start.py", "prob_trans.py", "prob_emit.py", "words.txt"]
    assert [file.name for file in Jieba(hmm=False).files()] == ["dict.txt"]


@pytest.mark.parametrize(
    ("line", "message"),
    [(b"\xff\xfe", r"words.txt:2: byte 1"), (b"many " + b"9" * 19, r"words.txt:2: .* has 19 digits")],
)
def test_a_bad_line_of_a_user_dictionary_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("好词 3\n".encode() + line)
    with pytest.raises(BadData, match=message):
        Jieba(user_dictionary=str(path)).prepare()


def test_no_cache_is_read_or_written_nor_jieba_imported(tmp_path: Path) -> None:
    (tmp_path / "jieba.cache").write_bytes(b"not marshal")
    code = "from tokenization.segmenters import Jieba; print(Jieba().prepare()('来到北京').tolist())"
    code += "; import sys; print('jieba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("[[0, 2], [2, 4]]\nFalse\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"not marshal"


def test_a_bare_word_chooses_a_segmenter() -> None:
    adapter = TypeAdapter[object](Segmenter)
    assert adapter.validate_python("whitespace") == Whitespace()
    with pytest.raises(ValidationError, match="'jieba', 'character', 'whitespace'"):
        adapter.validate_python("jeiba")
