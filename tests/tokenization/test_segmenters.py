"""Every segmenter: words cover the text and nothing twice; jieba's are jieba's."""

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from corpora.errors import BadData
from tests.tokenization.jiebas import Jiebas
from tokenization.segmenters import (
    Bmes,
    Character,
    Jieba,
    Ltp,
    Segment,
    Segmenter,
    UnicodeWords,
    Whitespace,
)
from tokenization.texts import Texts

MIXED = st.text(
    st.sampled_from(
        "我们在北京大学读书了。，ABCxyz019.-%+#'_: \t\n\r\u3000\u2028\x85\x1cé\u0301\u200d😀🇨𠀀한カひ１ａ"
    ),
    max_size=40,
) | st.text(max_size=20)
MEMBERS = (Jieba(), Character(), Whitespace(), Whitespace(punctuation=False), UnicodeWords(), Bmes())
SENTENCES = (
    "他来到了网易杭研大厦",
    "小明硕士毕业于中国科学院计算所，后在日本京都大学深造。",
    "iPhone4S比Nokia好3.5倍吗？C++和.NET 100%",
    "  １９９８年\u3000新年讲话——附图片\r\n１张  ",
    "",
)


@pytest.fixture(scope="module")
def segments() -> list[Segment]:
    return [member.prepare() for member in MEMBERS]


def words(segment: Segment, text: str) -> list[str]:
    return segment(Texts.of([text])).words()


@given(st.lists(MIXED, max_size=3))
def test_words_cover_every_visible_character_once(segments: list[Segment], texts: list[str]) -> None:
    for segment in segments:
        seen, spans = segment(Texts.of(texts))
        assert spans.dtype == np.int64
        assert spans.shape == (len(spans), 2)
        covered = [place for begin, end in spans for place in range(begin, end)]
        assert covered == sorted(set(covered))
        assert {place for place, letter in enumerate(seen.whole) if not letter.isspace()} <= set(covered)
        assert all("\n" not in seen.whole[begin:end] for begin, end in spans)
        assert len(list(seen)) == len(texts)


@given(st.lists(MIXED, min_size=1, max_size=4))
def test_texts_together_have_the_words_that_each_has_alone(segments: list[Segment], texts: list[str]) -> None:
    for segment in segments:
        together = segment(Texts.of(texts))
        assert together.words() == [word for text in texts for word in words(segment, text)]


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
    [
        (b"\xff\xfe", r"words.txt:2: byte 1"),
        (b"many " + b"9" * 19, r"words.txt:2: .* has 19 digits"),
        (b"some\t3\tn", r"words.txt:2: there is a tab in 'some\\t3\\tn'"),
    ],
)
def test_a_bad_line_of_a_user_dictionary_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "words.txt"
    path.write_bytes("好词 3\n".encode() + line)
    with pytest.raises(BadData, match=message):
        Jieba(user_dictionary=str(path)).prepare()


def test_no_cache_is_read_or_written_nor_jieba_imported(tmp_path: Path) -> None:
    (tmp_path / "jieba.cache").write_bytes(b"not marshal")
    code = "from tokenization.segmenters import Jieba; from tokenization.texts import Texts"
    code += "; print(Jieba().prepare()(Texts.of(['来到北京'])).words())"
    code += "; import sys; print('jieba' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("['来到', '北京']\nFalse\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["jieba.cache"]
    assert (tmp_path / "jieba.cache").read_bytes() == b"not marshal"


def test_a_bare_word_chooses_a_segmenter() -> None:
    adapter = TypeAdapter[object](Segmenter)
    assert adapter.validate_python("whitespace") == Whitespace()
    assert adapter.validate_python("bmes") == Bmes()
    with pytest.raises(
        ValidationError, match="'jieba', 'character', 'whitespace', 'unicode_words', 'bmes', 'ltp'"
    ):
        adapter.validate_python("jeiba")


SAMPLE = (  # worked out by hand from the rules of UAX #29; the rule that decides is named
    ("can't", ["can't"]),  # WB6, WB7
    ("'tis 'at'", ["'", "tis", "'", "at", "'"]),
    ("e.g. U.S.A.", ["e.g", ".", "U.S.A", "."]),
    ("3.14 1,000 a1b2 3a.4", ["3.14", "1,000", "a1b2", "3a", ".", "4"]),  # WB8 to WB12
    ("x_y __init__ カ_1", ["x_y", "__init__", "カ_1"]),  # WB13a, WB13b
    ("カタカナひらかんじ漢字", ["カタカナ", "ひ", "ら", "か", "ん", "じ", "漢", "字"]),  # WB13
    ("e\u0301te\u0301 a\u0308.b\u0308", ["e\u0301te\u0301", "a\u0308.b\u0308"]),  # WB4
    ('א"ב א\' א"', ['א"ב', "א'", "א", '"']),  # WB7a, WB7b, WB7c
    ("🇨🇳🇩🇪🇫", ["🇨🇳", "🇩🇪", "🇫"]),  # WB15, WB16
    ("👩\u200d👧👧 👍🏽", ["👩\u200d👧", "👧", "👍🏽"]),  # WB3c, WB4
    ("well-known (ok)...", ["well", "-", "known", "(", "ok", ")", ".", ".", "."]),
    ("\u0301a", ["\u0301", "a"]),
    ("a : b:c", ["a", ":", "b:c"]),
)


@pytest.mark.parametrize(("text", "expected"), SAMPLE)
def test_unicode_words_follow_the_rules(segments: list[Segment], text: str, expected: list[str]) -> None:
    assert words(segments[MEMBERS.index(UnicodeWords())], text) == expected


class TestBmes:
    @given(
        st.lists(st.lists(st.text(st.sampled_from("我爱北京abC12。，"), min_size=1, max_size=4), max_size=6))
    )
    def test_spaces_that_separate_words_are_no_part_of_the_text(self, lines: list[list[str]]) -> None:
        text = "\n".join("  ".join(line) for line in lines)
        done = Bmes().prepare()(Texts.of([text, "x"]))
        assert done.words() == [*(word for line in lines for word in line), "x"]
        plain, last = done.texts
        assert last == "x"
        assert plain.replace(" ", "") == text.replace(" ", "")
        for before, after in pairwise(plain):
            assert before != " " or after.isascii()

    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("我 爱 北京", "我爱北京"),
            ("New York 是 城市 , iPhone 4 S", "New York是城市,iPhone 4 S"),
            ("Это дом 。 한국 사람", "Это дом。한국 사람"),
            ("ひと つ カ キ Ａ １", "ひとつカキＡ１"),
            ("第一 行\n\n第二 \u3000 行 ", "第一行\n\n第二行"),
        ],
    )
    def test_words_written_with_spaces_keep_them(self, text: str, plain: str) -> None:
        assert list(Bmes().prepare()(Texts.of([text])).texts) == [plain]

    def test_tags_say_the_same(self) -> None:
        tagged = "北/B 京/E 的/S O/B K/E a/S 大/B 剧/M 院/E\n中/B 国/I 人/I 是/S //S"
        segment = Bmes(marks="tags").prepare()
        assert words(segment, tagged) == ["北京", "的", "OK", "a", "大剧院", "中国人", "是", "/"]
        assert list(segment(Texts.of([tagged])).texts) == ["北京的OK a大剧院\n中国人是/"]

    def test_a_tag_that_is_none_is_told(self) -> None:
        with pytest.raises(BadData, match=r"'京/X' in '北/B 京/X' is no character with its tag"):
            words(Bmes(marks="tags").prepare(), "北/B 京/X")


class FakeLtp:
    """What `ltp.LTP` answers, as its documentation shows: words of two characters."""

    def __init__(self, name: str) -> None:
        if name == "LTP/none":
            raise OSError("no such model\nat all")

    def pipeline(self, sentences: list[str], tasks: list[str]) -> SimpleNamespace:
        assert tasks == ["cws"]
        assert all(len(sentence) <= 500 for sentence in sentences)
        found = [[sentence[at : at + 2] for at in range(0, len(sentence), 2)] for sentence in sentences]
        return SimpleNamespace(cws=[[word for word in some if "?" not in word] for some in found])


class TestLtp:
    @pytest.fixture
    def ltp(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = ModuleType("ltp")
        module.LTP = FakeLtp  # type: ignore[attr-defined]
        module.__spec__ = ModuleSpec("ltp", None)
        monkeypatch.setitem(sys.modules, "ltp", module)

    @pytest.mark.usefixtures("ltp")
    def test_its_words_are_found_in_the_text(self) -> None:
        texts = ["我爱北京。天安门 广场", "", "北" * 1203, "甲乙?丙"]
        done = Ltp().prepare()(Texts.of(texts))
        assert list(done.texts) == texts
        assert done.words()[:7] == ["我爱", "北京", "。", "天安", "门", "广场", "北北"]
        assert sum(map(len, done.words()[6:-3])) == 1203
        assert done.words()[-3:] == ["甲乙", "?", "丙"]  # what it leaves out is a word of its own

    @pytest.mark.usefixtures("ltp")
    def test_a_model_that_cannot_be_loaded_is_told(self) -> None:
        with pytest.raises(BadData, match="LTP cannot load the model 'LTP/none': no such model at all"):
            Ltp(model="LTP/none").prepare()
        assert list(Ltp().files()) == []

    def test_without_the_package_a_person_is_told_what_to_install(self) -> None:
        if importlib.util.find_spec("ltp"):
            pytest.skip("ltp is installed")
        with pytest.raises(BadData, match="pip install ltp ltp-core ltp-extension"):
            Ltp().files()
