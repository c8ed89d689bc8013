"""The whole chain of a small recipe, as a user meets it."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pretrain.__main__ import main
from pretrain.running.locks import locked
from tests.recipes.conftest import Clean, small
from tests.recipes.making import STAGES, Command, artefacts, strays

pytestmark = pytest.mark.slow


def kinds(files: Iterable[str]) -> set[str]:
    """The kinds of artefacts that files are of."""
    return {Path(name).parts[1].partition("-")[0] for name in files}


def test_a_run_makes_everything(clean: Clean) -> None:
    assert kinds(clean.files) == set(STAGES.values())
    assert strays(clean.runs) == []
    for name in ("recipe.yaml", "metrics.jsonl", "report.html", "log.txt"):
        assert (clean.run / name).stat().st_size
    assert clean.ended.errors == ""
    page = (clean.run / "report.html").read_text("utf-8")
    assert page.count('<path class="line') >= 4
    assert all(f"<td>{stage}<" in page for stage in STAGES)


def test_the_results_open_in_transformers(clean: Clean) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

    model, told = AutoModelForMaskedLM.from_pretrained(clean.run / "export", output_loading_info=True)
    assert not any(told.values())
    tokenizer = AutoTokenizer.from_pretrained(clean.run / "export")
    assert model.config.vocab_size == len(tokenizer)
    classify = pipeline("text-classification", model=str(clean.run / "finetune" / "model"))
    (answer,) = classify("今天天气很好满意。")
    assert answer["label"] in {"good", "bad"}


def test_any_kept_step_is_exported(clean: Clean, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(runs / "small"), "--step", "10"]) == 0
    made = runs / "small" / "export-step-00000010"
    assert f"of step 10: {made}" in capsys.readouterr().out
    assert (
        load_file(made / "model.safetensors").keys()
        == load_file(clean.run / "export" / "model.safetensors").keys()
    )
    assert main(["export", str(runs / "small"), "--stage", "tokens"]) == 2
    assert "no checkpoints of a stage 'tokens' (it has: train)" in capsys.readouterr().err


def test_the_same_command_does_nothing_again(clean: Clean, runs: Path) -> None:
    before = (runs / "small" / "metrics.jsonl").read_bytes()
    times = {path: path.stat().st_mtime_ns for path in (runs / ".store").rglob("*")}
    ended = small(clean, runs)
    assert (ended.code, ended.output.count("done before")) == (0, len(STAGES))
    assert {path: path.stat().st_mtime_ns for path in (runs / ".store").rglob("*")} == times
    assert (runs / "small" / "metrics.jsonl").read_bytes() == before


def test_the_effective_recipe_is_the_same_run(clean: Clean, runs: Path) -> None:
    effective = runs / "small" / "recipe.yaml"
    ended = Command(["run", effective, "--runs", runs], runs.with_name("said")).end()
    assert (ended.code, ended.output.count("done before")) == (0, len(STAGES))
    assert [path.name for path in runs.iterdir() if path.name != ".store"] == ["small"]


def test_a_changed_setting_redoes_its_stage_and_those_after_it(clean: Clean, runs: Path) -> None:
    ended = small(clean, runs, "train.steps=4")
    assert (ended.code, ended.output.count("done before")) == (0, 3)
    after = artefacts(runs)
    assert {name: after[name] for name in clean.files} == clean.files
    assert kinds(after.keys() - clean.files.keys()) == {"checkpoint", "export", "score"}
    assert (runs / "small,train.steps=4" / "export").resolve() != (runs / "small" / "export").resolve()


def test_speed_redoes_nothing(clean: Clean, runs: Path) -> None:
    ended = small(clean, runs, "train.speed.micro_batch=2", "tokens.speed.workers=2", "train.log_every=3")
    assert (ended.code, ended.output.count("done before")) == (0, len(STAGES))
    assert [path.name for path in runs.iterdir() if path.name != ".store"] == ["small"]


def test_next_sentences_instead_of_their_order(clean: Clean, runs: Path) -> None:
    overrides = ("tokens.packing.random_next=0.5", "train.objectives={mlm: 1.0, sop: 0, nsp: 1.0}")
    ended = small(clean, runs, *overrides, "--until", "train")
    assert ended.code == 0, ended.errors
    run = next(path for path in runs.iterdir() if "random_next" in path.name)
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert rows[-1].keys() >= {"held_out_nsp", "held_out_nsp_accuracy"}
    (place,) = {path.name for path in runs.glob(".store/tokens-*")} - {
        Path(name).parts[1] for name in clean.files
    }
    facts = json.loads((runs / ".store" / place / "manifest.json").read_text("utf-8"))["facts"]["train"]
    assert 0.3 < facts["random_pairs"] / facts["pairs"] < 0.8
    assert facts["tokens"] == facts["text_tokens"] + facts["borrowed_tokens"] + facts["special_tokens"]


def test_the_folder_of_a_run_verifies_all_that_it_used(clean: Clean, runs: Path) -> None:
    ended = Command(["verify", runs / "small"], runs.with_name("said")).end()
    assert (ended.code, ended.output.count("intact")) == (0, len(STAGES))


def test_text_that_was_used_need_not_stay(clean: Clean, runs: Path) -> None:
    text = clean.recipe.with_name("text.txt")
    away = text.rename(text.with_suffix(".away"))
    try:
        ended = small(clean, runs)
        changed = small(clean, runs, "shards.validation=0.2")
    finally:
        away.rename(text)
    assert (ended.code, ended.output.count("done before")) == (0, len(STAGES))
    assert changed.code == 3
    assert "text.txt" in changed.errors


def test_changed_text_redoes_all(clean: Clean, runs: Path) -> None:
    text = clean.recipe.with_name("text.txt")
    before = text.read_text("utf-8")
    try:
        text.write_text(before.replace("北京", "上海", 1), "utf-8")
        ended = Command(["plan", clean.recipe, "--runs", runs], runs.with_name("said")).end()
    finally:
        text.write_text(before, "utf-8")
    assert (ended.code, ended.output.count("will run because")) == (0, len(STAGES))


def test_parts_of_a_chain(clean: Clean, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    ended = small(clean, runs, "--only", "tokens")
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert "tokens reads shards, which is not made yet" in ended.errors
    assert small(clean, runs, "--until", "tokens").code == 0
    assert kinds(artefacts(runs)) == {"shards", "tokens"}
    assert small(clean, runs, "--only", "words").code == 0
    assert kinds(artefacts(runs)) == {"shards", "tokens", "lexicon"}
    assert small(clean, runs, "--from", "train", "--until", "train").code == 0
    assert artefacts(runs).items() <= clean.files.items()


def test_the_report_shows_all_stages_after_a_run_of_one(clean: Clean, runs: Path) -> None:
    assert small(clean, runs, "--only", "score").code == 0
    assert (runs / "small" / "report.html").read_bytes() == (clean.run / "report.html").read_bytes()


def test_an_artefact_from_elsewhere(clean: Clean, tmp_path: Path) -> None:
    """Token set and lexicon of one folder of runs feed a training in another: the same training."""
    roles = {"data": "tokens", "lexicon": "lexicon"}
    given = [f"train.{role}={next(clean.runs.glob(f'.store/{kind}-*'))}" for role, kind in roles.items()]
    ended = small(clean, tmp_path / "runs", *given, "--only", "train")
    assert ended.code == 0, ended.errors
    made = artefacts(tmp_path / "runs")
    assert made == {name: clean.files[name] for name in clean.files if kinds([name]) == {"checkpoint"}}


def test_a_second_process_on_the_same_run_is_refused(clean: Clean, runs: Path) -> None:
    with locked(runs / "small" / "lock", "it"):
        ended = small(clean, runs)
    assert (ended.code, ended.output, ended.errors.count("\n")) == (7, "", 1)
    assert f"{runs}/small is in use by process" in ended.errors


def test_a_second_process_on_the_same_artefact_is_refused(clean: Clean, runs: Path) -> None:
    (score,) = runs.glob(".store/score-*")
    shutil.rmtree(score)
    with locked(score.with_name(score.name + ".lock"), "it"):
        ended = small(clean, runs)
    assert (ended.code, ended.errors.count("\n")) == (7, 1)
    assert "the artefact of stage score is in use by process" in ended.errors


def test_a_signal_in_training_saves_and_the_same_command_goes_on(clean: Clean, runs: Path) -> None:
    for kind in ("checkpoint", "export", "score"):
        shutil.rmtree(next(runs.glob(f".store/{kind}-*")))
    (runs / "small" / "metrics.jsonl").unlink()
    training = Command(["run", clean.recipe, "--runs", runs], runs.with_name("said"))
    assert training.when(lambda: any(runs.glob(".store/checkpoint-*.partial/step-*")), signal.SIGTERM)
    ended = training.end()
    assert (ended.code, ended.errors.count("\n")) == (75, 1)
    assert not list(runs.glob("**/*lock*"))
    ended = small(clean, runs)
    assert (ended.code, ended.output.count("goes on where it stopped")) == (0, 1)
    assert artefacts(runs) == clean.files
    assert steps_told(runs / "small") == [2, 4, 6, 8, 10, 12]


def steps_told(run: Path) -> list[int]:
    """The steps that the curves of a run are drawn from."""
    rows = map(json.loads, (run / "metrics.jsonl").read_text("utf-8").splitlines())
    return [row["step"] for row in rows if "mlm" in row]


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds a rank in /proc")
def test_two_processes_train_what_one_trains(clean: Clean, runs: Path) -> None:
    """Without dropout; the two are stopped by a signal to the second one alone, and started again."""
    calm = "train.model.hidden_dropout_prob=0", "train.model.attention_probs_dropout_prob=0"
    one = trained(runs, clean, *calm)
    two = *calm, "train.speed.processes=2"
    words = ["run", clean.recipe, "--runs", runs, *two, "--until", "train"]
    training = Command(words, runs.with_name("said"))
    while not any(runs.glob(".store/checkpoint-*.partial/step-*")):
        time.sleep(0.01)
    os.kill(second_rank(runs), signal.SIGUSR1)
    ended = training.end()
    assert ended.code == 75, ended.errors
    assert "the same command goes on" in ended.errors.splitlines()[-1]
    for name, tensor in trained(runs, clean, *two).items():
        torch.testing.assert_close(tensor, one[name], rtol=1e-4, atol=1e-5, msg=name)
    assert steps_told(next(runs.glob("small,*"))) == [2, 4, 6, 8, 10, 12]


def second_rank(runs: Path) -> int:
    """The process number of rank 1 of the training in a folder of runs."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # of another person, or gone by now
            here = str(runs).encode() in (process / "cmdline").read_bytes()
            if here and b"RANK=1" in (process / "environ").read_bytes().split(b"\0"):
                return int(process.name)
    pytest.fail("there is no second rank")


def trained(runs: Path, clean: Clean, *words: str) -> dict[str, torch.Tensor]:
    """The weights at the end of a training; its artefact is taken out of the store."""
    before = {*runs.glob(".store/checkpoint-*")}
    ended = small(clean, runs, *words, "--until", "train")
    assert (ended.code, ended.errors) == (0, "")
    (made,) = {path for path in runs.glob(".store/checkpoint-*") if path.suffix != ".partial"} - before
    weights = load_file(made / "step-00000012" / "model.safetensors")
    shutil.rmtree(made)
    return weights
