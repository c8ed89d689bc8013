"""Locks: one owner, refusal with a name, take-over only of the dead."""

import json
import os
import time
from pathlib import Path

import pytest

from corpora.errors import Busy
from pretrain.running import locks
from pretrain.running.locks import locked


def test_a_lock_is_there_while_held_and_gone_after(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "it"):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_second_owner_is_refused_with_host_pid_and_start(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "lock", "runs/x"),
        pytest.raises(Busy, match=rf"runs/x is in use by process {os.getpid()} on .*, started \d{{4}}-"),
        locked(tmp_path / "lock", "runs/x"),
    ):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    pid = os.fork()
    if pid == 0:
        with locked(path, "it"):
            os._exit(137)
    os.waitpid(pid, 0)
    assert path.exists()
    with locked(path, "it"):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_reused_process_number_is_not_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "it"):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "birth": "1"}))
    with locked(path, "it"):
        pass


def test_a_process_of_another_container_is_not_taken_for_dead(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, "it"):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "processes": "pid:[1]", "pid": 999_999_999}))
    with pytest.raises(Busy, match="process 999999999"), locked(path, "it"):
        pass


@pytest.mark.parametrize(("age", "taken"), [(10.0, False), (locks.SILENCE_SECONDS + 10, True)])
def test_a_lock_of_another_host_is_taken_over_only_in_silence(
    tmp_path: Path, age: float, taken: bool
) -> None:
    path = tmp_path / "lock"
    with locked(path, "it"):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "host": "elsewhere"}))
    os.utime(path, (time.time() - age, time.time() - age))
    if taken:
        with locked(path, "it"):
            assert json.loads(path.read_text())["host"] != "elsewhere"
    else:
        with pytest.raises(Busy, match="on elsewhere"), locked(path, "it"):
            pass


@pytest.mark.parametrize(
    ("job", "taken"), [(("slurm a/7", 2), True), (("slurm a/7", 1), False), (("slurm a/8", 2), False)]
)
def test_the_lock_of_a_job_that_was_started_again_is_taken_over(
    tmp_path: Path, job: tuple[str, int], taken: bool
) -> None:
    path = tmp_path / "lock"
    with locked(path, "it", ("slurm a/7", 1)):
        owner = json.loads(path.read_text())
    path.write_text(json.dumps({**owner, "host": "elsewhere"}))
    if taken:
        with locked(path, "it", job):
            assert json.loads(path.read_text())["restarts"] == 2
    else:
        with pytest.raises(Busy, match="on elsewhere"), locked(path, "it", job):
            pass


def test_the_heartbeat_touches_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT_SECONDS", 0.01)
    path = tmp_path / "lock"
    with locked(path, "it"):
        os.utime(path, (0, 0))
        deadline = time.monotonic() + 200
        while path.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert path.stat().st_mtime > 0
