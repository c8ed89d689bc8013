"""The stage `train` against an adversary: settings, log, report, and going on after an end in between."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from corpora.artefact import Artefact
from corpora.errors import Interrupted, UsageError
from pretrain.training import checkpoints
from tests.pretrain.toys import run, toy_train
from tests.pretrain.training.test_stage import StopAfter

ADVERSARY = {"method": "alum", "start_step": 3, "health_every": 2}


def test_a_run_tells_what_its_adversary_did_and_goes_on_to_the_same_bytes(
    data: Artefact, tmp_path: Path
) -> None:
    config, listener = toy_train(adversarial=ADVERSARY), StopAfter(99)
    whole = run(config, data, tmp_path / "whole", listener)
    with pytest.raises(Interrupted):
        run(config, data, tmp_path / "parts", StopAfter(5))
    parts = run(config, data, tmp_path / "parts")
    last = f"{checkpoints.part(12)}/model.safetensors"
    assert whole.file(last).read_bytes() == parts.file(last).read_bytes()
    assert whole.file("log.jsonl").read_bytes() == parts.file("log.jsonl").read_bytes()
    rows = [json.loads(line) for line in whole.file("log.jsonl").read_text("utf-8").splitlines()]
    assert [row["step"] for row in rows if "kl_delta" in row] == [4, 6, 8, 10, 12]
    means = [row for row in rows if "loss" in row]
    assert [row.get("adversarial_steps") for row in means] == [None, 3, 3, 3]
    assert all(row["divergence"] > 0 and row["dropped_micro_batches"] == 0 for row in means[1:])
    told = whole.facts["adversarial"]
    assert (told["steps"], told["examined"], told["dropped_micro_batches"]) == (9, 5, 0)
    # So small a network, hardly trained, says next to nothing: what the perturbation does may be chance.
    assert bool(told["no_better_than_chance"]) == any("not adversarial" in line for line in listener.said)


def test_a_run_whose_perturbations_move_nothing_says_so_once(data: Artefact, tmp_path: Path) -> None:
    listener = StopAfter(99)
    made = run(toy_train(adversarial=ADVERSARY | {"profile": "paper"}), data, tmp_path / "paper", listener)
    told = made.facts["adversarial"]
    assert told["no_better_than_chance"] == told["examined"] == 5
    assert len([line for line in listener.said if "this run is not adversarial" in line]) == 1


def test_plain_training_says_nothing_of_one(data: Artefact, tmp_path: Path) -> None:
    plain = run(toy_train(steps=4), data, tmp_path / "plain")
    off = run(toy_train(steps=4, adversarial={"method": "alum", "weight": 0.0}), data, tmp_path / "off")
    assert "adversarial" not in plain.facts
    for name in (f"{checkpoints.part(4)}/model.safetensors", "log.jsonl"):
        assert plain.file(name).read_bytes() == off.file(name).read_bytes()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"adversarial": {"method": "alum", "start_step": 12}},
            "start_step is 12, but training ends",
        ),
        ({"adversarial": "freelbb"}, "'alum', 'freelb', 'pgd'"),
        ({"adversarial": "text_at"}, "for fine-tuning alone: it keeps a table of the vocabulary"),
        ({"adversarial": {"method": "free_at", "steps": 2}}, "take alum, freelb or pgd"),
        (
            {
                "adversarial": {"method": "alum", "profile": "released", "ascent_precision": "training"},
                "speed": {"precision": "bf16"},
            },
            "cannot see in bf16",
        ),
        ({"adversarial": "pgd", "speed": {"zero": 3}}, "set unit to absolute"),
    ],
)
def test_an_adversary_that_could_not_be_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        toy_train(**settings)


def test_a_network_without_such_a_block_is_refused(data: Artefact, tmp_path: Path) -> None:
    network = {"type": "xlm", "emb_dim": 16, "n_layers": 1, "n_heads": 2, "max_position_embeddings": 64}
    config = toy_train(model=network, objectives={"mlm": 1.0}, adversarial={"method": "alum"}, steps=2)
    with pytest.raises(UsageError, match=r"adversarial\.level to words"):
        run(config, data, tmp_path / "xlm")
