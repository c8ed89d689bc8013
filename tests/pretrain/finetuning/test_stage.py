"""The stage as a whole: honest scores, a model that opens, equal bytes after a kill at any moment."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score
from transformers import pipeline

from corpora import disk
from corpora.artefact import Artefact, Draft
from corpora.errors import BadData, Interrupted, UsageError
from corpora.reporter import Item, Quiet
from corpora.stage import Report
from pretrain.finetuning import Finetune, finetune
from pretrain.finetuning.material import prepare
from tests.pretrain.finetuning.making import (
    VOCABULARY,
    make_config,
    make_export,
    make_folder,
    make_rows,
    write_rows,
)
from tokenization.pretrained import Pretrained


class Listening(Quiet):
    """Keeps what is said and measured; raises `Interrupted` before the step that was asked for."""

    def __init__(self, stop_at: int = -1) -> None:
        self.lines: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.steps, self._stop_at = 0, stop_at

    def say(self, line: str) -> None:
        self.lines.append(line)

    def metrics(self, values: Any) -> None:  # noqa: ANN401
        self.rows.append(dict(values))

    def track(
        self, items: Iterable[Item], what: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Item]:
        for item in items:
            if self.steps == self._stop_at:
                raise Interrupted(what)
            self.steps += 1
            yield item


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return make_export(tmp_path_factory.mktemp("export") / "export")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Finetune:
    path = write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", make_rows(200))
    return make_config(path, lr=1e-2, epochs=6, beside=["random_init", "tfidf"])


def told(heard: Listening) -> list[dict[str, Any]]:
    """The rows of measurements, without those of the clock."""
    return [row for row in heard.rows if "cpu_seconds" not in row]


def timed(heard: Listening) -> list[tuple[str, int]]:
    """The runs whose CPU time was told, and of how many steps it is."""
    return [(row["run"], row["steps"]) for row in heard.rows if "cpu_seconds" in row]


def make(final: Path, config: Finetune, export: Artefact, reporter: Quiet) -> Artefact:
    draft = Draft.open(final, "score", "test")
    return draft.commit(finetune(config, {"model": export}, draft, reporter))


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory, config: Finetune, export: Artefact) -> Artefact:
    return make(tmp_path_factory.mktemp("score") / "score", config, export, Quiet())


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def read_predictions(score: Artefact) -> list[dict[str, str]]:
    with score.file("predictions.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_artefact_holds_the_runs_the_scores_and_one_model(score: Artefact) -> None:
    runs = ["pretrained-0", "pretrained-1", "random_init-0", "random_init-1", "tfidf"]
    assert score.names("runs/") == [f"runs/{name}.json" for name in runs]
    others = [name for name in score.names() if not name.startswith(("runs/", "model/"))]
    assert others == ["differences.json", "predictions.tsv", "scores.json", "table.md"]
    assert {"model/config.json", "model/model.safetensors", "model/tokenizer.json"} <= set(score.names())
    assert sorted(p.name for p in score.path.iterdir() if p.is_dir()) == ["model", "runs"]
    assert score.summary.startswith("accuracy ")
    assert score.summary.endswith(f"| {len(read_predictions(score))} held-out rows")


def test_scores_are_those_of_the_answers_in_the_predictions(score: Artefact) -> None:
    answers = read_predictions(score)
    scores = json.loads(score.file("scores.json").read_text())
    for arm, names in {"pretrained": ("pretrained-0", "pretrained-1"), "tfidf": ("tfidf",)}.items():
        found = [accuracy_score([r["label"] for r in answers], [r[name] for r in answers]) for name in names]
        assert scores[arm]["accuracy"]["runs"] == pytest.approx(found)
        assert scores[arm]["accuracy"]["mean"] == pytest.approx(np.mean(found))


def test_a_pipeline_opens_the_model_and_agrees_with_the_predictions(score: Artefact) -> None:
    answers = read_predictions(score)
    classify = pipeline("text-classification", model=str(score.folder("model")))
    found = classify([row["text"] for row in answers], truncation=True)
    name = score.facts["saved"]
    assert isinstance(name, str)
    assert [answer["label"] for answer in found] == [row[name] for row in answers]
    assert {row[name] for row in answers} == {"bad", "good"}


def test_arms_see_the_same_rows_in_the_same_order_and_differ_in_first_weights_only(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    """An export with the very weights that a fresh network draws: then both arms must do exactly the same."""
    from pretrain.finetuning import heads
    from pretrain.randomness import torch_seed

    one = config.model_copy(update={"seeds": (3,), "beside": ("random_init",), "epochs": 2})
    material = prepare(one, export, Quiet())
    torch.manual_seed(torch_seed(3, "initialisation", 0))
    fresh = Draft.open(tmp_path / "fresh", "export", "fresh")
    with fresh.fill("folder") as folder:
        heads.save(heads.build(material.model.network, one.task.head), material.model.tokenizer, folder)
    for name in sorted(p.name for p in (fresh.path / "folder").iterdir()):
        with fresh.fill(name) as place:
            place.write_bytes((fresh.path / "folder" / name).read_bytes())
    made = make(tmp_path / "score", one, fresh.commit(Report("fresh")), Quiet())
    own, other = (
        json.loads(made.file(f"runs/{arm}-3.json").read_text()) for arm in ("pretrained", "random_init")
    )
    assert {**own, "arm": ""} == {**other, "arm": ""}


def test_a_starting_checkpoint_is_fine_tuned_beside_with_the_same_seeds(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    """The export itself as the start: every run has its twin, and the differences are nothing."""
    start = Pretrained(path=str(export.path))
    both = config.model_copy(update={"start": start, "seeds": (0, 1), "beside": (), "epochs": 2})
    made = make(tmp_path / "score", both, export, Quiet())
    for seed in (0, 1):
        own, other = (
            json.loads(made.file(f"runs/{arm}-{seed}.json").read_text()) for arm in ("pretrained", "start")
        )
        assert {**own, "arm": ""} == {**other, "arm": ""}
    apart = json.loads(made.file("differences.json").read_text())
    assert apart["start"]["accuracy"] == {"mean": 0.0, "std": 0.0, "runs": [0.0, 0.0]}
    assert ", +0.000 ± 0.000 by training on | " in made.summary


def test_a_starting_checkpoint_with_other_weights_and_other_words(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    """Each arm reads the rows through its own tokenizer: one that knows no character tells nothing apart."""
    folder = make_folder(tmp_path / "blind", vocabulary=VOCABULARY[:5])
    start = Pretrained(path=str(folder))
    both = config.model_copy(update={"start": start, "seeds": (0,), "beside": ()})
    reporter = Listening()
    made = make(tmp_path / "score", both, export, reporter)
    assert [line.partition(" ")[0] for line in reporter.lines if "learnt nothing" in line] == ["start-0"]
    scores = json.loads(made.file("scores.json").read_text())
    assert scores["pretrained"]["accuracy"]["mean"] > scores["start"]["accuracy"]["mean"] + 0.15


@pytest.mark.slow
def test_interrupted_at_any_run_the_same_command_ends_in_the_same_bytes(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    quick = config.model_copy(update={"epochs": 2, "batch": 32})
    whole = Listening()
    expected = bytes_below(make(tmp_path / "whole", quick, export, whole).path)
    for stop_at in (0, whole.steps // 2, whole.steps - 1):
        final = tmp_path / f"stopped-{stop_at}"
        with pytest.raises(Interrupted):
            make(final, quick, export, Listening(stop_at))
        assert not final.exists()
        again = Listening()
        make(final, quick, export, again)
        assert bytes_below(final) == expected
        done = stop_at // (whole.steps // 4)  # four equal runs are trained
        assert again.steps == whole.steps - done * (whole.steps // 4)
        # Those of finished runs once more, in place of what was told before, and what they cost.
        assert told(again) == told(whole)
        assert timed(again) == timed(whole)


@pytest.mark.slow
def test_killed_at_any_change_of_the_disk_the_same_command_ends_in_the_same_bytes(
    tmp_path: Path, config: Finetune, export: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = config.model_copy(update={"epochs": 1, "rows": 16, "batch": 16, "beside": ()})
    expected = bytes_below(make(tmp_path / "whole", quick, export, Quiet()).path)
    for call in ("rename", "remove"):
        real, count = getattr(disk, call), 0
        while True:
            monkeypatch.setattr(disk, call, dying_at(count, real))
            final = tmp_path / f"{call}-{count}"
            try:
                make(final, quick, export, Quiet())
            except KeyboardInterrupt:
                monkeypatch.setattr(disk, call, real)
                make(final, quick, export, Quiet())
                assert bytes_below(final) == expected, (call, count)
                count += 1
            else:
                monkeypatch.setattr(disk, call, real)
                break
        assert count > 5


def dying_at(number: int, real: Callable[..., None]) -> Callable[..., None]:
    """`real`, but the call with this number (from 0) ends the program instead."""
    calls = iter(range(10**6))

    def call(*arguments: object) -> None:
        if next(calls) == number:
            raise KeyboardInterrupt
        real(*arguments)

    return call


def test_what_can_be_learnt_is_learnt(score: Artefact) -> None:
    scores = json.loads(score.file("scores.json").read_text())
    assert min(scores[arm]["accuracy"]["mean"] for arm in ("pretrained", "random_init", "tfidf")) > 0.7


def test_the_model_kept_is_that_of_the_best_run_on_dev(score: Artefact) -> None:
    runs = [json.loads(score.file(f"runs/pretrained-{seed}.json").read_text()) for seed in (0, 1)]
    reached = [run["dev"][run["chosen"]]["accuracy"] for run in runs]
    assert score.facts["saved"] == f"pretrained-{int(np.argmax(reached))}"
    assert load_file(score.file("model/model.safetensors"))["classifier.weight"].shape == (2, 16)


def test_torchs_generator_is_left_as_it_was(tmp_path: Path, config: Finetune, export: Artefact) -> None:
    before = torch.get_rng_state()
    make(
        tmp_path / "score",
        config.model_copy(update={"beside": (), "seeds": (0,), "epochs": 1}),
        export,
        Quiet(),
    )
    assert torch.equal(before, torch.get_rng_state())


def test_rows_are_drawn_by_the_stage_seed_alone(config: Finetune, export: Artefact) -> None:
    drawn = [
        prepare(config.model_copy(update={"rows": 40, "seed": seed, "seeds": seeds}), export, Quiet()).rows
        for seed, seeds in ((0, (0,)), (0, (1, 2)), (1, (0,)))
    ]
    assert len(set(drawn[0].train)) == 40
    assert drawn[0].train == drawn[1].train != drawn[2].train
    assert drawn[0].test == drawn[2].test


def test_more_rows_than_there_are_is_said_not_refused(config: Finetune, export: Artefact) -> None:
    reporter = Listening()
    found = prepare(config.model_copy(update={"rows": 10**6}), export, reporter)
    assert (
        f"rows: 1,000,000 asked for, all {len(found.rows.train):,} training rows are used" in reporter.lines
    )


def test_numbers_that_are_all_the_same_are_refused(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps({"text": text, "score": 1.5}) for text, _ in make_rows(100)]
    path.write_text("\n".join(lines), encoding="utf-8")
    asked = {"path": str(path), "value": "score"}
    wrong = Finetune.model_validate({**dict(config), "data": asked, "task": "regression", "beside": ()})
    with pytest.raises(BadData, match=r"training rows all have the number 1\.5, nothing is to be told apart"):
        prepare(wrong, export, Quiet())


def test_a_batch_of_more_rows_than_there_are_is_said(config: Finetune, export: Artefact) -> None:
    reporter = Listening()
    prepare(config.model_copy(update={"rows": 40, "batch": 64}), export, reporter)
    assert "batch: 64 is more than the 40 training rows: an epoch is a single step" in reporter.lines


def test_a_network_of_many_more_tokens_than_the_tokenizer_has_is_said(
    tmp_path: Path, config: Finetune
) -> None:
    folder = make_folder(tmp_path / "bert")
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**described, "vocab_size": 9999}))
    reporter = Listening()
    asked = {"model": None, "from_pretrained": Pretrained(path=str(folder))}
    prepare(config.model_copy(update=asked), None, reporter)
    assert any("a network of 9,999: is it the one that" in line for line in reporter.lines)


def test_rows_that_are_cut_are_counted(config: Finetune, export: Artefact) -> None:
    reporter = Listening()
    prepare(config.model_copy(update={"length": 8}), export, reporter)
    assert any("are longer than 8 tokens and are cut there" in line for line in reporter.lines)


def test_a_class_that_only_the_other_splits_have_is_said_and_survived(
    tmp_path: Path, config: Finetune, export: Artefact
) -> None:
    rows = make_rows(100)
    for number in range(200):  # until a lone row of a third class falls into dev or test
        path = write_rows(tmp_path / "rows.jsonl", [*rows, (f"odd{number}", "odd")])
        few = config.model_copy(update={"data": make_config(path).data, "beside": ("tfidf",), "epochs": 1})
        loaded = few.data.load()
        if 2 not in {row.label for row in loaded.train}:
            break
    reporter = Listening()
    make(tmp_path / "score", few, export, reporter)
    assert any("no training row is odd" in line for line in reporter.lines)


def test_rows_of_one_class_are_refused(tmp_path: Path, config: Finetune, export: Artefact) -> None:
    rows = [(text, "bad" if number else "good") for number, (text, _) in enumerate(make_rows(100))]
    path = write_rows(tmp_path / "rows.jsonl", rows)
    one = config.model_copy(update={"data": make_config(path).data, "rows": 4})
    with pytest.raises(BadData, match="the 4 training rows are of 1 class"):
        prepare(one, export, Quiet())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "rows.jsonl"),
        ('{"text": "a", "label": "x"}\n{"text": "b"}\n', r"rows\.jsonl:2.*label"),
        ('{"text": "a", "label": "x"}\n{"text": \n', r"rows\.jsonl:2"),
        ('{"text": "a", "label": "x"}\n{"text": "b", "label": "x"}\n', "two are needed"),
    ],
)
def test_bad_rows_end_in_one_message_that_names_the_place(
    tmp_path: Path, config: Finetune, export: Artefact, content: str, message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(content)
    with pytest.raises(BadData, match=message):
        prepare(config.model_copy(update={"data": make_config(path).data}), export, Quiet())


@pytest.mark.skipif(torch.cuda.is_available(), reason="an accelerator is here")
def test_an_accelerator_that_is_not_there_is_said(config: Finetune, export: Artefact) -> None:
    asked = Finetune.model_validate({**dict(config), "speed": {"device": "cuda"}})
    with pytest.raises(UsageError, match="no accelerator"):
        prepare(asked, export, Quiet())
