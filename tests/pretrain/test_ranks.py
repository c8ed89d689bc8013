"""Two processes that share each step's rows end where one process ends."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain import checkpoints
from pretrain.engine import Ranks
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_data, toy_train

RANK = """
import os, sys
from pathlib import Path
from corpora.artefact import Artefact, Draft
from corpora.errors import Interrupted
from corpora.reporter import Quiet
from pretrain.training import train
from tests.pretrain.toys import NETWORK, NO_DROPOUT, toy_train

class StopOnce(Quiet):
    "A signal reaches one rank only, in its third step."
    def __init__(self, steps):
        self.steps = steps
    @property
    def stopping(self):
        self.steps -= 1
        return self.steps == 0

data, folder = Artefact.open(Path(sys.argv[1])), Path(sys.argv[2])
rank = int(os.environ["RANK"])
for zero in (0, 1, 2, 3):
    draft = Draft.open(folder / str(zero), "checkpoint", "toy") if rank == 0 else None
    config = toy_train(model=NETWORK | NO_DROPOUT, batch=7, speed={"micro_batch": 3, "zero": zero})
    try:
        train(config, {"data": data}, draft, StopOnce(3 if rank == 1 else 0))
        sys.exit("the stop of rank 1 was not heard")
    except Interrupted:
        pass
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


def run_on_two(data: Artefact, folder: Path) -> None:
    """Train on two processes under each ZeRO stage, stopped in between by a signal to one of them."""
    job = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "OMP_NUM_THREADS": "1",
    }
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "error::UserWarning", "-c", RANK, str(data.path), str(folder)]
    ranks = [
        subprocess.Popen(
            command,
            env={**os.environ, **job, **path, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(2)
    ]
    outputs = [process.communicate(timeout=200)[0].decode() for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], "\n".join(outputs)


@pytest.mark.slow
def test_two_ranks_learn_what_one_learns(data: Artefact, tmp_path: Path) -> None:
    """A batch of 7, in micro-batches of at most three; no dropout; ZeRO 0 to 3."""
    run_on_two(data, tmp_path)
    config = toy_train(model=NETWORK | NO_DROPOUT, batch=7, speed={"micro_batch": 3})
    one = run(config, data, tmp_path / "one")
    wanted = load_file(one.file(f"{checkpoints.part(12)}/model.safetensors"))
    for zero in range(4):
        two = Artefact.open(tmp_path / str(zero))
        weights = load_file(two.file(f"{checkpoints.part(12)}/model.safetensors"))
        for name, tensor in wanted.items():
            torch.testing.assert_close(
                weights[name], tensor, rtol=1e-4, atol=1e-5, msg=f"{name} at ZeRO {zero}"
            )
        moments = two.names(f"{checkpoints.part(12)}/optimizer")
        assert len(moments) == (1 if zero == 0 else 2)


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
