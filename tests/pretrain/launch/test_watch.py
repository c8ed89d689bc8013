"""Ranks that know of each other's end: three processes of torch's store, without any training."""

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from corpora.errors import CannotWrite, MaskwrightError
from pretrain.launch import watch
from pretrain.launch.ranks import free_port
from tests.recipes.making import forkserver

pytestmark = pytest.mark.slow
GO_ON = "; this one stops, too. The same command goes on\n"


class Place:
    """Where a rank finds itself: its number, and what others have done by now."""

    def __init__(self, number: int, folder: Path, silence: float) -> None:
        self.number, self._folder, self._silence = number, folder, silence

    def entered(self) -> None:
        """Wait until all three are in the block; from then on silence counts."""
        (self._folder / f"{self.number}.entered").touch()
        self.until(lambda: len(list(self._folder.glob("*.entered"))) == 3)
        watch.SILENCE_SECONDS = self._silence

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            time.sleep(0.005)


def rank(number: int, port: int, body: str, silence: float, hurry: float, folder: Path) -> None:
    """One of three ranks: it does `body` twice while it is watched, as in two stages of a recipe."""
    import torch.distributed as dist

    output = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    watch.BEAT_SECONDS, watch.HURRY_SECONDS = 0.1, hurry
    watch.CONNECTING_SECONDS = 5.0
    store = dist.TCPStore("127.0.0.1", port, 3, number == 0, timedelta(seconds=60))  # type: ignore[attr-defined]
    place = Place(number, folder, silence)
    before, _, body = body.rpartition("---\n")
    words = {"place": place, "rank": number, "os": os, "time": time, "CannotWrite": CannotWrite}
    exec(before, words)
    try:
        for _ in range(2):
            with watch.watched(number, 3, f"cuda:{number}"):
                exec(body, words)
    except MaskwrightError as error:
        os.write(1, f"{error}\n".encode())
        os._exit(error.exit_code)
    del store
    os._exit(0)


def ended(
    folder: Path, body: str, silence: float = 60.0, hurry: float = 1.0, stopped: int | None = None
) -> list[tuple[int | None, str]]:
    """Exit code and output of three ranks; one that `stopped` is killed once the others have ended."""
    context, port = forkserver(), free_port()
    ranks = [context.Process(target=rank, args=(n, port, body, silence, hurry, folder)) for n in range(3)]
    for one in ranks:
        one.start()
    for n, one in enumerate(ranks):
        if n != stopped:
            one.join(200)
    for one in ranks:
        if one.exitcode is None:  # and the assertions say so
            one.kill()
            one.join()
    return [(one.exitcode, (folder / str(n)).read_text()) for n, one in enumerate(ranks)]


def test_nothing_happens_where_all_end_well(tmp_path: Path) -> None:
    assert ended(tmp_path, "time.sleep(0.3)") == [(0, "")] * 3


def test_rank_0_waits_for_those_that_end_later(tmp_path: Path) -> None:
    """It keeps the store, and its end would be taken for an accident."""
    assert ended(tmp_path, "time.sleep(0.8 * (rank == 1))") == [(0, "")] * 3


@pytest.mark.parametrize("who", [0, 1, 2])
def test_a_killed_rank_is_named_though_the_others_hang(tmp_path: Path, who: int) -> None:
    found = ended(
        tmp_path, f"place.entered()\nplace.die() if rank == {who} else time.sleep(150)", silence=4.0
    )
    assert found[who] == (-signal.SIGKILL, "")
    for code, said in (found[rank] for rank in range(3) if rank != who):
        assert code == 1
        if who:
            assert said.startswith(f"error: rank {who} (")
            assert said.endswith(f", cuda:{who}) is gone" + GO_ON)
        else:  # torch says something, too
            assert f"error: {watch.UNREACHED}{GO_ON}" in said


def test_ranks_that_come_when_rank_0_is_gone_say_so(tmp_path: Path) -> None:
    """They have met, and one of them was slow to begin its watch."""
    before = """
(place.until(lambda: os.path.exists(place._folder / "died")), time.sleep(0.2)) if rank else 0
if not rank: (place._folder / "died").touch(); place.die()
---
time.sleep(150)
"""
    found = ended(tmp_path, before)
    assert found[0] == (-signal.SIGKILL, "")
    for code, said in found[1:]:
        assert (code, said[-len(watch.UNREACHED + GO_ON) :]) == (1, watch.UNREACHED + GO_ON)


def test_a_store_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    """The host of rank 0 has vanished: no connection is closed, no call returns."""
    body = f"""
place.entered()
os.kill(os.getpid(), {signal.SIGSTOP}) if rank == 0 else time.sleep(0.5)
raise RuntimeError("gloo")
"""
    found = ended(tmp_path, body, stopped=0)
    assert [said for _, said in found[1:]] == [watch.UNREACHED + GO_ON] * 2


def test_a_rank_that_cannot_go_on_says_why_to_all(tmp_path: Path) -> None:
    found = ended(
        tmp_path, "place.entered()\nif rank == 1: raise CannotWrite('no space on /x')\ntime.sleep(150)"
    )
    assert found[1] == (5, "no space on /x\n")
    for code, said in (found[0], found[2]):
        assert code == 1
        assert ", cuda:1) ended: no space on /x; this one stops, too" in said


def test_a_collective_that_fails_waits_for_the_name(tmp_path: Path) -> None:
    body = "place.entered()\nif rank == 2: place.die()\nraise RuntimeError('gloo')"
    found = ended(tmp_path, body, hurry=4.0)  # less, and a rank that a busy machine forgets seems gone
    for code, said in found[:2]:
        assert code == 1
        assert "rank 2 (" in said
        assert said.count("is gone") == 1
