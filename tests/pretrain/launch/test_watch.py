"""Ranks that know of each other's end: two processes of torch's store, without any training."""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from corpora.errors import CannotWrite, MaskwrightError
from pretrain.launch import watch
from pretrain.launch.ranks import free_port
from tests.recipes.making import forkserver

pytestmark = pytest.mark.slow


def rank(number: int, port: int, body: str, silence: float, said: Path) -> None:
    """One of three ranks: it does `body` twice while it is watched, as in two stages of a recipe."""
    import torch.distributed as dist

    output = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    watch.BEAT_SECONDS, watch.HURRY_SECONDS, watch.SILENCE_SECONDS = 0.1, 1.0, silence
    store = dist.TCPStore("127.0.0.1", port, 3, number == 0, timedelta(seconds=60))  # type: ignore[attr-defined]
    try:
        for _ in range(2):
            with watch.watched(number, 3, f"cuda:{number}"):
                exec(body, {"rank": number, "os": os, "time": time, "CannotWrite": CannotWrite})
    except MaskwrightError as error:
        os.write(1, f"{error}\n".encode())
        time.sleep(float(number == 0))
        os._exit(error.exit_code)
    store.add("left", 1)
    while number == 0 and store.add("left", 0) < 3:
        time.sleep(0.01)
    os._exit(0)


def ended(folder: Path, body: str, silence: float = 60.0) -> list[tuple[int | None, str]]:
    """Exit code and output of three ranks."""
    context, port = forkserver(), free_port()
    ranks = [context.Process(target=rank, args=(n, port, body, silence, folder / str(n))) for n in range(3)]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(100)
    return [(one.exitcode, (folder / str(n)).read_text()) for n, one in enumerate(ranks)]


def test_nothing_happens_where_all_end_well(tmp_path: Path) -> None:
    assert ended(tmp_path, "time.sleep(0.3)") == [(0, "")] * 3


@pytest.mark.parametrize("who", [1, 2])
def test_a_killed_rank_is_named_though_the_others_hang(tmp_path: Path, who: int) -> None:
    body = f"os.kill(os.getpid(), {signal.SIGKILL}) if rank == {who} else time.sleep(90)"
    found = ended(tmp_path, body, silence=2.0)
    assert found[who] == (-signal.SIGKILL, "")
    for code, said in (found[rank] for rank in range(3) if rank != who):
        assert code == 1
        assert f"rank {who} (" in said
        assert f", cuda:{who}) is gone; this one stops, too. The same command goes on" in said


def test_the_end_of_rank_0_is_noticed_too(tmp_path: Path) -> None:
    found = ended(
        tmp_path, f"os.kill(os.getpid(), {signal.SIGKILL}) if rank == 0 else time.sleep(90)", silence=2.0
    )
    assert [code for code, _ in found] == [-signal.SIGKILL, 1, 1]
    assert all("rank 0" in said and "The same command goes on" in said for _, said in found[1:])


def test_a_rank_that_cannot_go_on_says_why_to_all(tmp_path: Path) -> None:
    found = ended(tmp_path, "if rank == 1: raise CannotWrite('no space on /x')\ntime.sleep(90)")
    assert found[1] == (5, "no space on /x\n")
    for code, said in (found[0], found[2]):
        assert code == 1
        assert ", cuda:1) ended: no space on /x; this one stops, too" in said


def test_a_collective_that_fails_waits_for_the_name(tmp_path: Path) -> None:
    body = (
        f"if rank == 2: os.kill(os.getpid(), {signal.SIGKILL})\ntime.sleep(0.5); raise RuntimeError('gloo')"
    )
    found = ended(tmp_path, body)
    for code, said in found[:2]:
        assert code == 1
        assert "rank 2 (" in said
        assert said.count("is gone") == 1
