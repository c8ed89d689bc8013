"""Processes that share each step's rows end where one process ends, and go on where others stopped."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.engine.ranks import Ranks
from pretrain.training import checkpoints
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_data, toy_train

STEPS = 6
SETTINGS = {
    "model": NETWORK | NO_DROPOUT,
    "batch": 7,
    "steps": STEPS,
    "log_every": 1,
    "evaluate_every": None,
    "evaluate_rows": 7,
}

RANK = """
import json, os, shutil, sys
from pathlib import Path
import torch
from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted, MaskwrightError
from corpora.reporter import Quiet
from pretrain.networks import Network
from pretrain.training import train
from tests.pretrain.toys import toy_train

class StopOnce(Quiet):
    "A signal reaches the last rank only, in its third step."
    def __init__(self, steps):
        self.steps = steps
    @property
    def stopping(self):
        self.steps -= 1
        return self.steps == 0

data, folder, rank = Artefact.open(Path(sys.argv[1])), Path(sys.argv[2]), int(os.environ["RANK"])
last = rank == int(os.environ["WORLD_SIZE"]) - 1
forward = Network.forward

for name, settings in json.loads(sys.argv[3]).items():
    most = settings.pop("most_rows", 99) if last else settings.pop("most_rows", 99) * 0 + 99
    def limited(self, batch):
        if self.training and len(batch.samples) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, batch)
    Network.forward = limited
    stop, config = settings.pop("stop", 0), toy_train(**settings)
    words = folder / name, "checkpoint", "toy"
    draft = Draft.open(*words) if rank == 0 else Draft(*words)
    if stop:
        try:
            train(config, {"data": data}, draft, StopOnce(stop if last else 0))
            sys.exit("the stop of the last rank was not heard")
        except Interrupted:
            pass
        if rank == 0:
            shutil.copytree(draft.path, folder / f"{name}-kept.partial")
    report = train(config, {"data": data}, draft, Quiet())
    if rank == 0:
        draft.commit(report)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return toy_data(tmp_path_factory.mktemp("tokens") / "data")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start(words: Sequence[str], world: int) -> list["subprocess.Popen[bytes]"]:
    """The ranks of a job, each with its own words on its standard output."""
    job = {
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    return [
        subprocess.Popen(
            [sys.executable, "-W", "error::UserWarning", *words],
            env={**os.environ, **job, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(world)
    ]


def train_on(world: int, data: Artefact, folder: Path, jobs: Mapping[str, Mapping[str, object]]) -> None:
    """Train several times on several processes, each into a folder of its name."""
    ranks = start(["-c", RANK, str(data.path), str(folder), json.dumps(jobs)], world)
    try:
        outputs = [process.communicate(timeout=280)[0].decode() for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0] * world, "\n".join(outputs)


def weights_of(made: Artefact) -> dict[str, Tensor]:
    return load_file(made.file(f"{checkpoints.part(STEPS)}/model.safetensors"))


def losses_of(made: Artefact) -> list[float]:
    rows = map(json.loads, made.file("log.jsonl").read_text().splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def assert_same_training(made: Artefact, wanted: Artefact) -> None:
    """Same rows, same masks: weights and losses equal to rounding."""
    weights = weights_of(wanted)
    for name, tensor in weights_of(made).items():
        torch.testing.assert_close(tensor, weights[name], rtol=1e-4, atol=1e-5, msg=f"{name} of {made.path}")
    assert losses_of(made) == pytest.approx(losses_of(wanted), rel=1e-5)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_ends_alike_on_any_number_of_ranks_and_after_any_change_of_it(
    data: Artefact, tmp_path: Path
) -> None:
    """A batch of 7, in micro-batches of at most three; no dropout; ZeRO 0 to 3."""
    jobs: dict[str, dict[str, object]] = {}
    for zero in range(4):
        speed = {"micro_batch": 3, "zero": zero, "async_save": zero % 2 == 0}
        jobs[f"zero{zero}"] = {**SETTINGS, "speed": speed}
        jobs[f"zero{zero}-stopped"] = {**SETTINGS, "speed": speed, "stop": 3}
    jobs["short"] = {**SETTINGS, "speed": {}, "most_rows": 2}  # on one rank memory runs out
    train_on(2, data, tmp_path, jobs)
    wanted = run(toy_train(**SETTINGS, speed={"micro_batch": 3}), data, tmp_path / "one")
    for zero in range(4):
        made, stopped = (Artefact.open(tmp_path / f"zero{zero}{end}") for end in ("", "-stopped"))
        assert_same_training(made, wanted)
        assert stopped.files == made.files  # bit-equal
        assert len(made.names(f"{checkpoints.part(STEPS)}/optimizer-")) == (1 if zero == 0 else 2)
    short = Artefact.open(tmp_path / "short")
    assert_same_training(short, wanted)
    assert short.facts["speed"] == {"processes": 2, "micro_batch": 2, "precision": "fp32"}
    changed = {zero: {**SETTINGS, "speed": {"micro_batch": 3, "zero": (zero + 2) % 4}} for zero in range(4)}
    on_four = {f"{zero}-on-four": changed[zero] for zero in (1, 3)}
    for zero, settings in changed.items():
        kept = tmp_path / f"zero{zero}-stopped-kept.partial"
        shutil.copytree(kept, tmp_path / f"{zero}-on-four.partial")
        kept.rename(tmp_path / f"{zero}-on-one.partial")
        assert_same_training(run(toy_train(**settings), data, tmp_path / f"{zero}-on-one"), wanted)
    train_on(4, data, tmp_path, on_four)
    for name in on_four:
        assert_same_training(Artefact.open(tmp_path / name), wanted)


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
