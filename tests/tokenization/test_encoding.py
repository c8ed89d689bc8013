"""The whole stage on two shard files: every token, jieba's words, and the same bytes however it is run."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pytest

from corpora.artefact import Artefact, Draft
from corpora.document import Document
from corpora.errors import BadData, Interrupted
from corpora.reporter import Quiet, Reporter
from corpora.shards import ShardWriter
from corpora.stage import Report
from tests.tokenization.making import save_tokenizer
from tokenization import slices
from tokenization.encoding import Encode, encode
from tokenization.segmenters import Jieba, Segment
from tokenization.tokens import TokenSet

Item = TypeVar("Item")
TRAIN = [
    "他来到了网易杭研大厦。小明硕士毕业于中国科学院计算所！",
    "iPhone很好[SEP]，但是[MASK]不是字。",
    "我喜欢在北京大学读书。" * 12,
    "乒乓球拍卖完了，１９９８年新年讲话。",
] * 5
VALIDATION = ["我在读书。", "他来到了北京大学。"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    draft = Draft.open(tmp_path_factory.mktemp("shards") / "done", "shards", "hand-made")
    for split, texts in {"train": TRAIN, "validation": VALIDATION}.items():
        writer = ShardWriter(draft, split, 600)
        for number, text in enumerate(texts):
            writer.add(Document(text=text, id=f"{split}{number}", metadata={"source": "made"}))
        writer.close()
    facts = {
        split: {"documents": len(texts)}
        for split, texts in {"train": TRAIN, "validation": VALIDATION}.items()
    }
    return draft.commit(Report("hand-made", facts))


def settings(**changes: object) -> Encode:
    usual = {
        "seed": 3,
        "tokenizer": {"train": "wordpiece_zh", "size": 200, "min_count": 1},
        "packing": {"kind": "segment_pairs", "length": 32},
        "speed": {"workers": 1},
    }
    return Encode.model_validate(usual | changes)


def made(config: Encode, shards: Artefact, place: Path, reporter: Reporter | None = None) -> Artefact:
    draft = Draft.open(place, "tokens", "test")
    return draft.commit(encode(config, {"shards": shards}, draft, reporter or Quiet()))


@pytest.fixture(scope="module")
def usual(shards: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return made(settings(), shards, tmp_path_factory.mktemp("tokens") / "done")


def by_document(artefact: Artefact, split: str) -> dict[int, list[tuple[int, bool]]]:
    """(token id, word start) of each document's text, over all of its rows."""
    opened = TokenSet.open(artefact, split)
    rows = opened.rows(np.arange(len(opened)))
    found: dict[int, list[tuple[int, bool]]] = {}
    for ids, starts, number in zip(rows.ids, rows.word_starts, rows.documents, strict=True):
        text = ~np.isin(ids, opened.special_ids) | (ids == opened.vocabulary.unk_id)
        found.setdefault(int(number), []).extend(zip(ids[text].tolist(), starts[text].tolist(), strict=True))
    return found


def reference(artefact: Artefact, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Ids and offsets of `transformers`, special tokens in the text taken as text."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(artefact.folder("tokenizer"), split_special_tokens=True)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return encoded["input_ids"], encoded["offset_mapping"]


@pytest.mark.parametrize(("split", "texts"), [("train", TRAIN), ("validation", VALIDATION)])
def test_every_document_is_there_token_by_token(usual: Artefact, split: str, texts: list[str]) -> None:
    found = by_document(usual, split)
    assert list(found) == list(range(len(texts)))
    for number, text in enumerate(texts[:4]):
        assert [token for token, _ in found[number]] == reference(usual, text)[0]


def test_word_starts_are_where_jiebas_words_start(usual: Artefact, jieba_words: Segment) -> None:
    found = by_document(usual, "train")
    for number, text in enumerate(TRAIN[:3]):  # in the fourth, the tokenizer joins what jieba separates
        begins = {begin for begin, _ in jieba_words(text)}
        offsets = reference(usual, text)[1]
        assert [start for _, start in found[number]] == [begin in begins for begin, _ in offsets]


@pytest.fixture(scope="module")
def jieba_words() -> Segment:
    return Jieba().prepare()


def test_words_are_counted_with_their_spelling(usual: Artefact, jieba_words: Segment) -> None:
    table = pa.ipc.open_stream(usual.file("words.arrow")).read_all().to_pylist()
    assert table == sorted(table, key=lambda row: (-row["count"], row["word"]))
    counts = {row["word"]: row["count"] for row in table}
    expected = Counter(text[begin:end] for text in TRAIN for begin, end in jieba_words(text))
    joined = set("１９８年")  # one token reaches over these words of jieba, so that none of them stands alone
    assert {word: n for word, n in counts.items() if word not in joined} == {
        word: n for word, n in expected.items() if word not in joined
    }
    for row in table[:20]:
        assert row["tokens"] == reference(usual, row["word"])[0]


def test_unigrams_count_the_training_text(usual: Artefact) -> None:
    unigrams = np.load(usual.file("unigrams.npy"))
    expected = Counter(token for text in TRAIN for token in reference(usual, text)[0])
    assert {number: count for number, count in enumerate(unigrams.tolist()) if count} == expected


def test_facts_agree_with_the_rows(usual: Artefact) -> None:
    opened = TokenSet.open(usual)
    rows, facts = opened.rows(np.arange(len(opened))), json.loads(json.dumps(usual.facts))["train"]
    assert facts["documents"] == len(TRAIN)
    assert (facts["rows"], facts["tokens"]) == (len(opened), rows.lengths.sum())
    assert facts["pairs"] == (rows.second > 0).sum() > 0
    special = len(opened) + facts["rows"] + facts["pairs"]  # [CLS], [SEP], second [SEP]
    assert facts["text_tokens"] == facts["tokens"] - special
    assert facts["words"] == rows.word_starts.sum() - special
    assert facts["filled_share"] == pytest.approx(facts["tokens"] / (32 * len(opened)))
    assert facts["merged"] >= 5  # 1998 in full-width digits: one token, four words for jieba


@pytest.mark.slow
def test_workers_change_nothing(shards: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "CHARACTERS", 60)  # many slices a file
    packing = {"kind": "full_sentences", "length": 16}  # rows depend on the documents before
    one, two, three = (
        made(
            settings(segmenter="character", packing=packing, speed={"workers": workers}),
            shards,
            tmp_path / str(workers),
        )
        for workers in (1, 2, 3)
    )
    assert one.files == two.files == three.files


class Stopping(Quiet):
    """Asks to stop after some documents."""

    def __init__(self, after: int) -> None:
        self._after = after

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        for item in items:
            yield item
            self._after -= 1
            if self._after == 0:
                raise Interrupted("asked to")


@pytest.mark.parametrize("after", range(3, 42, 7))
def test_what_was_finished_is_kept_and_the_rest_ends_in_the_same_bytes(
    shards: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr(slices, "CHARACTERS", 60)
    config = settings(segmenter="character")
    with pytest.raises(Interrupted):
        made(config, shards, tmp_path / "stopped", Stopping(after))
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "stopped.partial").glob("*.arrow")}
    resumed = made(config, shards, tmp_path / "stopped")
    assert {name: resumed.file(name).stat().st_mtime_ns for name in kept} == kept
    assert resumed.files == made(config, shards, tmp_path / "whole").files
    assert not resumed.names("counts")


def test_a_folders_tokenizer_is_used_as_it_is(shards: Artefact, tmp_path: Path) -> None:
    folder = save_tokenizer(tmp_path / "given")
    config = settings(tokenizer=str(folder), segmenter="whitespace")
    artefact = made(config, shards, tmp_path / "done")
    assert set(config.outside()) == set(folder.iterdir())
    assert TokenSet.open(artefact).vocabulary_size == len(
        json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    )
    assert artefact.facts["train"]["unknown_share"] > 0.1


def test_a_text_without_tokens_is_an_error(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "shards", "shards", "hand-made")
    writer = ShardWriter(draft, "train", 100)
    writer.add(Document(text="\x01\x02", id="a", metadata={"source": "made"}))
    writer.close()
    shards = draft.commit(Report("", {"train": {"documents": 1}, "validation": {"documents": 0}}))
    config = settings(tokenizer=str(save_tokenizer(tmp_path / "given")), segmenter="character")
    with pytest.raises(BadData, match="made no token of 1 documents"):
        made(config, shards, tmp_path / "done")
