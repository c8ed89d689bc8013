"""Ranks on one machine: their surroundings, their ends, and that none lives on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.errors import Interrupted, MaskwrightError
from pretrain import launch
from pretrain.launch import children
from pretrain.launch.environment import LAUNCHED
from pretrain.launch.signals import StopRequest, listening

BEGIN = """
import json, os, signal, sys, time
from pathlib import Path
folder, rank = Path(sys.argv[1]), os.environ["RANK"]
def stop(number, frame):
    (folder / f"stopped-{rank}").touch()
    sys.exit(75)
signal.signal(signal.SIGTERM, stop)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
(folder / f"began-{rank}").write_text(json.dumps([os.getpid(), dict(os.environ)]))
while len(list(folder.glob("began-*"))) < 2:
    time.sleep(0.01)
"""


def ranks(folder: Path, body: str, stop: StopRequest) -> None:
    launch.start_ranks([sys.executable, "-c", BEGIN + body, str(folder)], 2, stop)


def began(folder: Path) -> list[tuple[int, dict[str, str]]]:
    """Process number and environment of each rank."""
    return [tuple(json.loads((folder / f"began-{rank}").read_text())) for rank in (0, 1)]


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_all_ranks_end_well(tmp_path: Path) -> None:
    ranks(tmp_path, "", StopRequest())
    (_, one), (_, two) = began(tmp_path)
    assert [(e["RANK"], e["LOCAL_RANK"], e["WORLD_SIZE"]) for e in (one, two)] == [
        ("0", "0", "2"),
        ("1", "1", "2"),
    ]
    assert one["MASTER_PORT"] == two["MASTER_PORT"]
    assert LAUNCHED in one
    assert int(one["OMP_NUM_THREADS"]) >= 1


def test_a_failing_rank_ends_the_other_and_gives_its_code(tmp_path: Path) -> None:
    body = "sys.exit(3) if rank == '1' else time.sleep(100)"
    with pytest.raises(
        MaskwrightError, match=r"rank 1 \(\S+, (cpu|cuda:1)\) ended with code 3; the other ranks"
    ) as caught:
        ranks(tmp_path, body, StopRequest())
    assert caught.value.exit_code == 3
    assert (tmp_path / "stopped-0").exists()
    assert not any(lives(pid) for pid, _ in began(tmp_path))


def test_a_killed_rank_is_named_with_its_signal(tmp_path: Path) -> None:
    body = "os.kill(os.getpid(), signal.SIGKILL) if rank == '0' else time.sleep(100)"
    with pytest.raises(MaskwrightError, match=r"rank 0 \(\S+, (cpu|cuda:0)\) was ended by SIGKILL") as caught:
        ranks(tmp_path, body, StopRequest())
    assert caught.value.exit_code == 1
    assert not any(lives(pid) for pid, _ in began(tmp_path))


def test_a_rank_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "GRACE_SECONDS", 0.1)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); (folder / 'deaf').touch(); time.sleep(100)"
    wait = "while not (folder / 'deaf').exists(): time.sleep(0.01)"
    body = f"if rank == '0':\n  {deaf}\n{wait}\nsys.exit(4)"
    with pytest.raises(MaskwrightError, match=r"rank 1 \(.*\) ended with code 4"):
        ranks(tmp_path, body, StopRequest())
    assert not any(lives(pid) for pid, _ in began(tmp_path))


def test_ranks_that_were_interrupted_are_an_interruption(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="stopped by a signal to a rank: saved"):
        ranks(tmp_path, "sys.exit(75)", StopRequest())


def test_a_signal_is_handed_on_and_waited_for(tmp_path: Path) -> None:
    def tell() -> None:
        until(lambda: len(list(tmp_path.glob("began-*"))) == 2)
        os.kill(os.getpid(), signal.SIGTERM)

    with listening() as stop:
        teller = threading.Thread(target=tell)
        teller.start()
        with pytest.raises(Interrupted, match="stopped by SIGTERM: saved"):
            ranks(tmp_path, "time.sleep(100)", stop)
        teller.join()
    assert sorted(path.name for path in tmp_path.glob("stopped-*")) == ["stopped-0", "stopped-1"]


PARENT = """
import sys
from pretrain import launch
from pretrain.launch import children
from pretrain.launch.environment import LAUNCHED
from pretrain.launch.signals import StopRequest
launch.start_ranks([sys.executable, *sys.argv[1:]], 2, StopRequest())
"""
WATCHING = "from pretrain import launch\nlaunch.end_with_parent()\n"


def test_no_rank_outlives_a_killed_parent(tmp_path: Path) -> None:
    """The next run takes over the parent's locks: nobody else may be writing then."""
    child = WATCHING + BEGIN + "time.sleep(100)"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, "-c", child, str(tmp_path)])
    until(lambda: len(list(tmp_path.glob("began-*"))) == 2)
    until(lambda: all((tmp_path / f"began-{rank}").stat().st_size for rank in (0, 1)))
    parent.kill()
    parent.wait()
    until(lambda: not any(lives(pid) for pid, _ in began(tmp_path)))


def test_a_signal_that_comes_before_a_rank_listens_waits_for_it(tmp_path: Path) -> None:
    """A rank takes seconds to start; ended by the signal itself it would look like a fault."""
    body = BEGIN.replace(
        "signal.signal", "while not (folder / 'told').exists(): time.sleep(0.01)\nsignal.signal", 1
    )

    def tell() -> None:
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        (tmp_path / "told").touch()

    with listening() as stop:
        teller = threading.Thread(target=tell)
        teller.start()
        with pytest.raises(Interrupted):
            launch.start_ranks([sys.executable, "-c", body + "time.sleep(100)", str(tmp_path)], 2, stop)
        teller.join()
    assert len(list(tmp_path.glob("stopped-*"))) == 2


def test_the_rank_that_failed_is_named_not_those_that_noticed(tmp_path: Path) -> None:
    body = f"""
if rank == '0':
    (folder / 'noticed').touch()
    os._exit({children.LOST})
while not (folder / 'noticed').exists(): time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""
    with pytest.raises(MaskwrightError, match=r"rank 1 \(.*\) was ended by SIGKILL"):
        ranks(tmp_path, body, StopRequest())
