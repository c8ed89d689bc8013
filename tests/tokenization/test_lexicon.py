import importlib.util
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData, Interrupted
from corpora.reporter import Item, Quiet
from tests.tokenization.making import PLAIN, make_token_set, similar, spelling
from tokenization.lexicon import Provider, Synonyms, Word2vec, building
from tokenization.lexicon.building import Lexicon, lexicon
from tokenization.lexicon.table import LexiconTable
from tokenization.lexicon.vectors import TILE, Vectors, load_word2vec
from tokenization.words import Word

needs_synonyms = pytest.mark.skipif(
    not importlib.util.find_spec("synonyms"), reason="needs the synonyms package"
)


class Listening(Quiet):
    """Remembers what was said; a signal comes after `patience` items of a track."""

    def __init__(self, patience: int = 10**9) -> None:
        self.said: list[str] = []
        self.patience = patience

    def say(self, line: str) -> None:
        self.said.append(line)

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        for number, item in enumerate(items):
            if number == self.patience:
                raise Interrupted("stopped")
            yield item


def random_vectors(count: int, width: int = 8, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).normal(size=(count, width))
    unit = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return Vectors([f"w{number}" for number in range(count)], unit)


def write_vectors(path: Path, vectors: dict[str, list[float]], binary: bool = False) -> Path:
    """word2vec's format, written by gensim."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(len(next(iter(vectors.values()))))
    keyed.add_vectors(list(vectors), np.array(list(vectors.values()), np.float32))
    keyed.save_word2vec_format(str(path), binary=binary)
    return path


@given(st.integers(2, 60), st.integers(1, 12), st.integers(0, 9), st.sampled_from([-1.0, 0.0, 0.5]))
def test_nearest_agrees_with_sorting_all_cosines(count: int, top_k: int, seed: int, least: float) -> None:
    vectors, rng = random_vectors(count, seed=seed), np.random.default_rng(seed)
    candidates = np.flatnonzero(rng.random(count) < 0.8)
    queries = rng.integers(0, count, 7)
    found = vectors.nearest(queries, candidates, top_k, least)
    exact = vectors.unit.astype(np.float64)
    for query, row in zip(queries, found, strict=True):
        cosines = exact[candidates] @ exact[query]
        order = [int(i) for i in np.argsort(-cosines) if candidates[i] != query and cosines[i] >= least]
        assert row[row >= 0].tolist() == order[:top_k]


def test_nearest_is_the_same_across_tiles() -> None:
    count = 2 * TILE[1] + 100
    vectors = random_vectors(count, width=3)
    queries: NDArray[np.int64] = np.arange(TILE[0] - 5, TILE[0] + 5)
    cosines = vectors.unit[queries].astype(np.float64) @ vectors.unit.T.astype(np.float64)
    cosines[np.arange(10), queries] = -2
    found = vectors.nearest(queries, np.arange(count), 20, -1.0)
    reached = np.take_along_axis(cosines, found.astype(np.int64), axis=1)
    assert abs(reached - np.sort(cosines, axis=1)[:, :-21:-1]).max() < 1e-6


@pytest.mark.parametrize("binary", [True, False])
def test_vectors_written_by_gensim_are_read(tmp_path: Path, binary: bool) -> None:
    path = write_vectors(
        tmp_path / "v.vec", {"好": [3.0, 4.0], "坏": [0.0, 0.0], "天气": [0.0, -2.0]}, binary
    )
    vectors = load_word2vec(path, binary)
    assert vectors.words == ["好", "天气"]
    assert np.allclose(vectors.unit, [[0.6, 0.8], [0.0, -1.0]])


@pytest.mark.parametrize(
    ("name", "format"), [("v.bin", None), ("v.vec", None), ("v.dat", "text"), ("v.txt", "binary")]
)
def test_the_format_follows_the_suffix_unless_given(tmp_path: Path, name: str, format: str | None) -> None:
    binary = format == "binary" or name == "v.bin"
    path = write_vectors(tmp_path / name, {"好": [1.0]}, binary)
    assert Word2vec.model_validate({"path": str(path), "format": format}).load().words == ["好"]


@pytest.mark.parametrize("cut", [3, 30, -5])
def test_damaged_vectors_are_bad_data(tmp_path: Path, cut: int) -> None:
    path = write_vectors(tmp_path / "v.bin", {word: [1.0, 2.0] for word in PLAIN}, binary=True)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadData, match=r"v\.bin is not whole word2vec vectors"):
        load_word2vec(path, binary=True)


def test_text_read_as_binary_is_bad_data(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_text("这不是向量\n" * 100)
    with pytest.raises(BadData, match=r"v\.bin"):
        load_word2vec(path, binary=True)


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(BadData, match=r"pip install --no-deps synonyms==3\.10\.2"):
        Synonyms(path="package:no_such_package/words.vector").file()


def test_a_bare_word_names_a_provider() -> None:
    adapter: TypeAdapter[object] = TypeAdapter(Provider)
    assert adapter.validate_python("synonyms") == Synonyms()


def spell(word: str) -> tuple[int, ...]:
    return tuple(5 + PLAIN.index(character) for character in word)


CORPUS = {"中国": 9, "北京": 5, "大学": 4, "的": 30, "电影": 3, "天气": 2, "好": 7, "Ab": 2, "ab": 1}
AROUND = {
    "中国": 0.0,
    "北京": 0.1,
    "大学": 0.2,
    "电影": 3.0,
    "天气": 3.1,
    "好": 0.05,
    "坏": 0.06,
    "Ab": 1.5,
    "ab": 1.5,
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    words = [
        Word(
            word,
            (5 + PLAIN.index("a"), 5 + PLAIN.index("##b")) if word.lower() == "ab" else spell(word),
            count,
        )
        for word, count in CORPUS.items()
    ]
    return make_token_set(tmp_path_factory.mktemp("set") / "tokens", [], words=words)


@pytest.fixture(scope="module")
def vectors_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words as angles in a plane; 读书 is known from the vectors alone, 鹅 the tokenizer cannot spell."""
    angles = {**AROUND, "读书": 3.05, "鹅": 0.0, "中国大": 0.0}
    vectors = {word: [float(np.cos(angle)), float(np.sin(angle))] for word, angle in angles.items()}
    return write_vectors(tmp_path_factory.mktemp("vectors") / "v.bin", vectors, binary=True)


def build(tokens: Artefact, config: Lexicon, place: Path, reporter: Quiet | None = None) -> Artefact:
    draft = Draft.open(place, "lexicon", "fingerprint")
    return draft.commit(lexicon(config, {"tokens": tokens}, draft, reporter or Quiet()))


@pytest.fixture(scope="module")
def config(vectors_file: Path) -> Lexicon:
    return Lexicon(seed=0, provider=Word2vec(path=str(vectors_file)), longest=4)


@pytest.fixture(scope="module")
def made(tokens: Artefact, config: Lexicon, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return build(tokens, config, tmp_path_factory.mktemp("made") / "lexicon")


def test_similar_words_are_near_of_equal_token_count_and_others(made: Artefact) -> None:
    table = LexiconTable.open(made)
    found = {word: similar(table, spell(word)) for word in ("中国", "电影", "好", "的", "中国大")}
    expected = {
        "中国": ["北京", "大学"],  # not 好: another token count
        "电影": ["读书", "天气"],  # 读书 never stands in the corpus
        "好": ["坏"],
        "的": [],  # no vector
        "中国大": [],  # not in the corpus
    }
    assert found == {word: [list(spell(other)) for other in others] for word, others in expected.items()}


def test_words_spelt_alike_are_one_entry(made: Artefact) -> None:
    table = LexiconTable.open(made)
    spellings = [tuple(spelling(table, entry)) for entry in range(int(made.facts["entries"]))]
    assert len(set(spellings)) == len(spellings)
    for entry, ids in enumerate(spellings):
        assert list(ids) not in similar(table, ids), entry


def test_random_words_come_from_the_corpus(made: Artefact) -> None:
    table = LexiconTable.open(made)
    pools = [
        {tuple(spelling(table, entry)) for entry in range(first, last)}
        for first, last, _ in table.arrays.groups.tolist()
    ]
    assert pools[1] == {spell("的"), spell("好")}
    assert len(pools[2]) == 6  # five words, and "Ab" with "ab"
    assert spell("读书") not in pools[2]
    assert pools[3] == pools[4] == set()


def test_facts_count_the_corpus(made: Artefact, tokens: Artefact) -> None:
    facts = json.loads(json.dumps(dict(made.facts)))
    assert facts["vocabulary"] == json.loads(tokens.file("vocabulary.json").read_text())["digest"]
    assert (facts["words"], facts["running"]) == (8, sum(CORPUS.values()))
    assert (facts["similar"], facts["running_similar"]) == (6, sum(CORPUS.values()) - 30 - 3)
    assert facts["by_token_count"][0] == {
        "tokens": 1, "words": 2, "similar": 1, "running": 37, "running_similar": 7
    }  # fmt: skip


def test_examples_are_readable_and_blocks_are_gone(made: Artefact) -> None:
    lines = made.file("entries.txt").read_text().splitlines()
    assert "中国 (9): 北京 大学" in lines
    assert not made.names("block-")


def test_a_kill_between_blocks_loses_and_changes_nothing(
    tokens: Artefact, config: Lexicon, made: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "BLOCK", 2)
    with pytest.raises(Interrupted):
        build(tokens, config, tmp_path / "lexicon", Listening(patience=2))
    draft = Draft.open(tmp_path / "lexicon", "lexicon", "fingerprint")
    assert len(draft.parts("block-")) == 2
    again = build(tokens, config, tmp_path / "lexicon")
    assert again.names() == made.names()
    for name in made.names():
        assert again.file(name).read_bytes() == made.file(name).read_bytes()


def test_poor_coverage_is_said(tokens: Artefact, vectors_file: Path, tmp_path: Path) -> None:
    reporter = Listening()
    strict = Lexicon(provider=Word2vec(path=str(vectors_file)), min_similarity=0.9999)
    build(tokens, strict, tmp_path / "lexicon", reporter)
    assert "only" in reporter.said[0]


def test_vectors_of_another_language_are_bad_data(tokens: Artefact, tmp_path: Path) -> None:
    path = write_vectors(tmp_path / "v.bin", {"hund": [1.0], "katze": [2.0]}, binary=True)
    with pytest.raises(BadData, match="none of them is among the corpus's words"):
        build(tokens, Lexicon(provider=Word2vec(path=str(path))), tmp_path / "lexicon")


def test_vectors_without_any_neighbours_are_bad_data(tokens: Artefact, tmp_path: Path) -> None:
    path = write_vectors(tmp_path / "v.bin", {"中国": [1.0, 0.0], "北京": [0.0, 1.0]}, binary=True)
    with pytest.raises(BadData, match="lower min_similarity"):
        build(tokens, Lexicon(provider=Word2vec(path=str(path))), tmp_path / "lexicon")


@needs_synonyms
@pytest.mark.slow
def test_the_toolkits_neighbours_are_gensims() -> None:
    from gensim.models import KeyedVectors

    provider = Synonyms()
    vectors = provider.load()
    theirs = KeyedVectors.load_word2vec_format(str(provider.file()), binary=True, unicode_errors="ignore")
    rows = np.random.default_rng(0).integers(0, len(vectors.words), 50)
    found = vectors.nearest(rows, np.arange(len(vectors.words)), 10, -1.0)
    for row, others in zip(rows, found, strict=True):
        expected = theirs.most_similar(vectors.words[row], topn=10)
        assert {vectors.words[other] for other in others} == {word for word, _ in expected}
    assert "上海" in {vectors.words[o] for o in vectors.nearest(
        np.array([vectors.words.index("北京")]), np.arange(len(vectors.words)), 10, 0.5)[0]}  # fmt: skip
