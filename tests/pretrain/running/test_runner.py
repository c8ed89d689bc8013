"""One stage at a time: found, begun, left to another, or not begun at all."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from corpora.artefact import Artefact, Draft
from corpora.errors import BadData, Interrupted, UsageError
from corpora.reporter import Reporter
from corpora.sharding import Shard
from corpora.stage import Report
from pretrain.export import Export
from pretrain.finetuning import Finetune
from pretrain.launch.signals import StopRequest
from pretrain.recipe import Recipe, Role
from pretrain.running import runner
from pretrain.running.chain import chain
from pretrain.running.runner import Job
from tests.pretrain.roof import Gather, Learn, finish, recipe


def gather(config: Gather, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    reporter.say("at work")
    out.write_json("part", config.times)
    return Report("gathered")


def learn(config: Learn, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    return Report(f"learned from {inputs['data'].summary}")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    (tmp_path / "text.txt").write_text("text")
    monkeypatch.setattr(runner, "STAGES", {Gather: gather, Learn: learn})
    console = Console(file=io.StringIO(), width=200)
    return runner.job(
        recipe(tmp_path / "text.txt"),
        tmp_path / "runs",
        console,
        StopRequest(),
        only=None,
        first=None,
        until=None,
    )


def said(job: Job) -> str:
    """What was printed since the last look."""
    assert isinstance(job.console.file, io.StringIO)
    text = job.console.file.getvalue()
    job.console.file.truncate(0)
    return text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("**/log.txt", r"log\.txt lies in .*toy, where results go"),
        (".store/*/*.json", r"lies in .*\.store, where"),
    ],
)
def test_results_are_no_text_to_read(job: Job, pattern: str, message: str) -> None:
    runner.run(job)
    source = {"path": f"{job.runs}/{pattern}", "reader": "plain_text"}
    shards = {"shards": Shard.model_validate({"sources": [source]})}
    again = replace(job, recipe=Recipe("again", "", 0, 0, shards, {"shards": {}}), wanted=["shards"])
    with pytest.raises(BadData, match=message):
        runner.run(again)


def test_stages_run_once(job: Job) -> None:
    runner.run(job)
    first = said(job)
    assert "at work" in first
    assert "learned from gathered" in first
    runner.run(job)
    second = said(job)
    assert second.count("done before") == 2
    assert "at work" not in second


def test_a_signal_between_two_stages_begins_no_other(job: Job) -> None:
    job.stop.note(15)
    with pytest.raises(Interrupted, match="stopped by SIGTERM before gather"):
        runner.run(job)
    assert not list(job.runs.glob(".store/shards-*"))
    assert not list(job.runs.glob("*/lock"))


def test_what_another_run_finished_in_the_meantime_is_taken(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = {link.place.name: link for link in chain(job.recipe, job.store)}

    @contextmanager
    def late(path: Path, what: str, job: tuple[str, int]) -> Iterator[None]:
        """A lock that was free a moment after the other run had finished."""
        if link := links.get(path.name.removesuffix(".lock")):
            finish(link)
        yield

    monkeypatch.setattr(runner, "locked", late)
    runner.run(job)
    assert "gather is made" in said(job)
    assert not list(job.runs.glob("**/*.partial"))


def test_a_stage_alone_needs_what_it_reads(job: Job) -> None:
    alone = Job(job.recipe, job.runs, ["learn"], job.console, job.stop)
    with pytest.raises(UsageError, match="learn reads data, which is not made yet: run once without --only"):
        runner.run(alone)


def release(config: Export, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    return Report("exported", {"model": "BertForMaskedLM"})


def score(config: Finetune, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    return Report("scored")


def scored(job: Job, *scores: str) -> Job:
    """The same job, with an export and these stages that fine-tune it."""
    data = {"path": str(job.runs.with_name("text.txt")), "dev": 0.1, "test": 0.1}
    settings = {name: Finetune.model_validate({"data": data, "seed": n}) for n, name in enumerate(scores)}
    stages = {**job.recipe.stages, "release": Export(), **settings}
    roles: dict[str, Mapping[str, Role]] = {**job.recipe.roles, "release": {"checkpoint": "learn"}}
    roles |= {name: {"model": "release"} for name in scores}
    recipe = Recipe(scores[-1], "", 0, 0, stages, roles)
    return replace(job, recipe=recipe, wanted=[*stages])


def test_what_was_made_is_told_with_how_to_use_it(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, function in ((Export, release), (Finetune, score)):
        monkeypatch.setitem(runner.STAGES, kind, function)
    one = scored(job, "score")
    runner.run(one)
    told, folder = said(job), job.runs / "score"
    assert f'model = AutoModelForMaskedLM.from_pretrained("{folder / "export"}")' in told
    assert f"maskwright predict {folder} FILE" in told
    assert str(folder / "finetune") in told
    two = scored(job, "score", "score_tags")
    runner.run(replace(two, wanted=[*two.wanted[:3], "score_tags"]))
    told, folder = said(job), job.runs / "score_tags"
    assert f"maskwright predict {folder} --stage score_tags FILE" in told
    assert str(folder / "finetune-score_tags") in told
    runner.run(two)
    told = said(job)
    for name in ("score", "score_tags"):
        assert f"maskwright predict {folder} --stage {name} FILE" in told
    links = {path.name: Artefact.open(path).identity["settings"]["seed"] for path in folder.glob("finetune*")}
    assert links == {"finetune-score": 0, "finetune-score_tags": 1}
    assert (folder / "export").is_symlink()
