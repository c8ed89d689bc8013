"""Processes that share each step's rows end where one process ends, and go on where others stopped.

Two of them are started once, and train all that the tests ask of two.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted, UsageError
from corpora.reporter import Quiet
from pretrain import micro_batch
from pretrain.adversarial.divergences import kl
from pretrain.batch import Batch
from pretrain.engine.ranks import Ranks
from pretrain.networks.network import Network
from pretrain.networks.perturbing import Shift
from pretrain.networks.towers import Towers
from pretrain.networks.weights import load
from pretrain.objectives.terms import Outputs
from pretrain.training import checkpoints
from pretrain.training.pairing import first_pair
from pretrain.training.stage import train
from tests.pretrain import encoders
from tests.pretrain.ranks import on_ranks
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_train
from tokenization.tokens import TokenSet

STEPS = 4
SETTINGS = {
    "model": NETWORK | NO_DROPOUT,
    "batch": 7,
    "steps": STEPS,
    "log_every": 1,
    "evaluate_every": None,
    "evaluate_rows": 7,
}


FREELB = SETTINGS | {"adversarial": {"method": "freelb", "steps": 2}}
ALUM = SETTINGS | {"adversarial": {"method": "alum", "health_every": 0}}

ELECTRA = SETTINGS | {
    "model": encoders.settings("electra") | NO_DROPOUT,
    "objectives": {"electra": 50},
    "masking": "token",
    "replacement": "electra",
}
SHARED = ("tied", "tied", "tied", "gdes")  # under ZeRO 0 to 3
DECAYLESS = {"name": "adamw", "lr": 1e-2, "weight_decay": 0.0}
ALONE = ELECTRA | {"objectives": {"mlm": 0, "electra": 50}, "optimizer": DECAYLESS}


class StopOnce(Quiet):
    """A signal reaches this rank only, in the step of that number; 0: never."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    @property
    def stopping(self) -> bool:  # type: ignore[override]
        self.steps -= 1
        return self.steps == 0


def trains(data: Path, folder: Path, jobs: Mapping[str, Mapping[str, Any]]) -> None:
    """The part of one rank: train several times, each into a folder of its name."""
    rank = int(os.environ["RANK"])
    last = rank == int(os.environ["WORLD_SIZE"]) - 1
    forward, patch = Network.forward, pytest.MonkeyPatch()
    for name, job in jobs.items():
        settings = dict(job)
        stop, most = settings.pop("stop", 0), settings.pop("most_rows", 99)
        Network.forward = limited(forward, most if last else 99)  # type: ignore[method-assign]
        patch.setattr(micro_batch, "kl", no_number if settings.pop("lost", False) and last else kl)
        inputs, config = {"data": Artefact.open(data)}, toy_train(**settings)
        words = folder / name, "checkpoint", "toy"
        draft = Draft.open(*words) if rank == 0 else Draft(*words)
        if stop:
            with pytest.raises(Interrupted):
                train(config, inputs, draft, StopOnce(stop if last else 0))
            if rank == 0:
                shutil.copytree(draft.path, folder / f"{name}-kept.partial")
        report = train(config, inputs, draft, Quiet())
        if rank == 0:
            draft.commit(report)


def limited(forward: Callable[..., Outputs], rows: int) -> Callable[..., Outputs]:
    """A forward pass with memory for so many rows of training."""

    def within(self: Network, batch: Batch, *shift: Shift | None) -> Outputs:
        if self.training and len(batch.samples) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, batch, *shift)

    return within


def no_number(target: Tensor, logits: Tensor) -> Tensor:
    """A divergence that an ascent cannot climb."""
    return kl(target, logits) * float("nan")


@pytest.fixture(scope="module")
def on_two(data: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that two ranks train, in micro-batches of at most three rows; by name."""
    jobs: dict[str, dict[str, object]] = {}
    for zero in range(4):
        speed = {"micro_batch": 3, "zero": zero}
        plain = {**SETTINGS, "speed": {**speed, "async_save": zero % 2 == 0}}
        jobs[f"zero{zero}"] = plain
        jobs[f"zero{zero}-stopped"] = {**plain, "stop": 2}
        shared = {"generator": {"sharing": SHARED[zero]}, "speed": speed}
        jobs[f"electra{zero}"] = {**ELECTRA, **shared} | ({"stop": 2} if zero > 1 else {})
    for zero in (1, 2):  # several backward passes in each micro-batch
        jobs[f"freelb{zero}"] = {**FREELB, "speed": {"micro_batch": 3, "zero": zero}}
    jobs["alone"] = {**ALONE, "speed": {"micro_batch": 3, "zero": 2}}
    jobs["short"] = {**SETTINGS, "speed": {}, "most_rows": 2}  # on one rank memory runs out
    jobs["alum3"] = {**ALUM, "speed": {"micro_batch": 3, "zero": 3}}
    jobs["lost"] = {**ALUM, "speed": {"micro_batch": 3}, "lost": True}  # on one rank ascents are no numbers
    folder = tmp_path_factory.mktemp("two")
    on_ranks(2, trains, folder, data.path, folder, jobs)
    return folder


def weights_of(made: Artefact) -> dict[str, Tensor]:
    return load_file(made.file(f"{checkpoints.part(STEPS)}/model.safetensors"))


def losses_of(made: Artefact) -> list[float]:
    rows = map(json.loads, made.file("log.jsonl").read_text().splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def assert_same_training(made: Artefact, wanted: Artefact) -> None:
    """Same rows, same masks: weights and losses equal to rounding; what is tied is stored once."""
    found, weights = weights_of(made), weights_of(wanted)
    assert found.keys() == weights.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-4, atol=1e-5, msg=f"{name} of {made.path}")
    assert losses_of(made) == pytest.approx(losses_of(wanted), rel=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_ends_alike_on_any_number_of_ranks_and_after_any_change_of_it(
    data: Artefact, on_two: Path, tmp_path: Path
) -> None:
    """A batch of 7, in micro-batches of at most three; no dropout; ZeRO 0 to 3."""
    wanted = run(toy_train(**SETTINGS, speed={"micro_batch": 3}), data, tmp_path / "one")
    against = run(toy_train(**FREELB, speed={"micro_batch": 3}), data, tmp_path / "against")
    for zero in (1, 2):
        assert_same_training(Artefact.open(on_two / f"freelb{zero}"), against)
    for zero in range(4):
        made, stopped = (Artefact.open(on_two / f"zero{zero}{end}") for end in ("", "-stopped"))
        assert_same_training(made, wanted)
        assert stopped.files == made.files  # bit-equal
        assert len(made.names(f"{checkpoints.part(STEPS)}/optimizer-")) == (1 if zero == 0 else 2)
    short = Artefact.open(on_two / "short")
    assert_same_training(short, wanted)
    assert short.facts["speed"] == {"processes": 2, "micro_batch": 2, "precision": "fp32"}
    changed = {zero: {**SETTINGS, "speed": {"micro_batch": 3, "zero": (zero + 2) % 4}} for zero in range(4)}
    on_four = {f"{zero}-on-four": changed[zero] for zero in (1, 3)}
    for zero, settings in changed.items():
        kept = on_two / f"zero{zero}-stopped-kept.partial"
        shutil.copytree(kept, tmp_path / f"{zero}-on-four.partial")
        shutil.copytree(kept, tmp_path / f"{zero}-on-one.partial")
        assert_same_training(run(toy_train(**settings), data, tmp_path / f"{zero}-on-one"), wanted)
    on_ranks(4, trains, tmp_path, data.path, tmp_path, on_four)
    for name in on_four:
        assert_same_training(Artefact.open(tmp_path / name), wanted)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_ascent_that_is_lost_on_one_rank_is_dropped_on_both(
    data: Artefact, on_two: Path, tmp_path: Path
) -> None:
    """What is left is plain training; where none is lost, both ranks learn what one does."""
    plain, alum = (
        run(toy_train(**settings, speed={"micro_batch": 3}), data, tmp_path / name)
        for name, settings in (("plain", SETTINGS), ("alum", ALUM))
    )
    lost, whole = (Artefact.open(on_two / name) for name in ("lost", "alum3"))
    assert_same_training(lost, plain)
    assert_same_training(whole, alum)
    assert [made.facts["adversarial"]["dropped_micro_batches"] for made in (lost, whole)] == [4 * STEPS, 0]
    one, other = (weights_of(made)["bert.embeddings.LayerNorm.weight"] for made in (plain, alum))
    assert not torch.allclose(one, other)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_generator_and_a_discriminator_end_alike_and_stay_tied(
    data: Artefact, on_two: Path, tmp_path: Path
) -> None:
    """Against one process that was left alone; under ZeRO 2 and 3 after a stop."""
    for sharing in ("tied", "gdes"):
        changes = {"generator": {"sharing": sharing}, "speed": {"micro_batch": 3}}
        wanted = run(toy_train(**ELECTRA | changes), data, tmp_path / sharing)
        for zero in (zero for zero, shared in enumerate(SHARED) if shared == sharing):
            made = Artefact.open(on_two / f"electra{zero}")
            assert_same_training(made, wanted)
            pair: Towers = load(checkpoints.folder(made))
            table = pair.towers[0].get_input_embeddings().weight
            assert pair.towers[0].get_output_embeddings().weight is table
            assert (pair.towers[1].get_input_embeddings().weight is table) == (sharing == "tied")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_discriminators_loss_moves_nothing_of_the_generator_but_what_is_shared(
    data: Artefact, on_two: Path
) -> None:
    """On two ranks, with Adam: a gradient of any size would show as a whole step."""
    tokens = TokenSet.open(data, "train")
    before = first_pair(toy_train(**ALONE), {"data": data}, tokens, Quiet()).state_dict()
    after: Towers = load(checkpoints.folder(Artefact.open(on_two / "alone")))
    state = after.state_dict()
    moved = {name for name, tensor in before.items() if not torch.equal(state[name], tensor)}
    shared = {name for tie in after.all_tied_weights_keys.items() for name in tie}
    assert "generator.electra.embeddings.word_embeddings.weight" in moved
    assert {name for name in moved if name.startswith("generator.")} <= shared
    assert "discriminator.electra.encoder.layer.0.output.dense.weight" in moved


@pytest.mark.parametrize("rank", [0, 2])
def test_more_processes_than_gpus_are_one_message_on_every_rank(
    rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", str(rank))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(UsageError, match=r"3 processes on a machine with 2 GPUs.*processes to 2 or less"):
        Ranks.join()
