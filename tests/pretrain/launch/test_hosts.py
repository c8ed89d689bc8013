"""Ranks on hosts that are reached by a pretended ssh: it runs what it is given on this machine."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from corpora.errors import Interrupted, MaskwrightError, UsageError
from pretrain.launch import hosts
from pretrain.launch.hostfile import Host
from pretrain.launch.hosts import Fleet, start_fleet
from pretrain.launch.signals import StopRequest, listening
from tests.pretrain.launch.test_ranks import BEGIN, lives, until

SSH = """\
#!/bin/bash
host=$1; shift; folder=$(dirname "$0")
[ "$host" = nowhere ] && exit 255
echo $$ >> "$folder/ssh-$host"
eval "$(cat "$folder/before" 2> /dev/null)"
if [ "$host" = "$(cat "$folder/apart" 2> /dev/null)" ]; then  # so that the connection dies alone
  line="$folder/line-$$"; mkfifo "$line"
  sh -c "$*" < "$line" &
  exec cat > "$line"
fi
exec sh -c "$*"
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, in a folder with a blank and Chinese letters; the working folder is another such one."""
    place = tmp_path / "假 ssh"
    place.mkdir()
    (place / "ssh").write_text(SSH)
    (place / "ssh").chmod(0o700)
    monkeypatch.chdir(place)
    monkeypatch.delenv("MASTER_PORT", raising=False)
    return place / "ssh"


def start(ssh: Path, body: str, stop: StopRequest, names: Sequence[str] = ("node1", "node2")) -> None:
    words = [sys.executable, "-c", BEGIN + body, str(ssh.parent)]
    start_fleet(words, Fleet([Host(name, 1) for name in names], [str(ssh)]), ssh, stop)


def ranks(ssh: Path) -> list[tuple[int, dict[str, str]]]:
    return [tuple(json.loads((ssh.parent / f"began-{rank}").read_text())) for rank in (0, 1)]


def test_all_ranks_end_well(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCCL_DEBUG", "a b'c")
    start(ssh, "", StopRequest())
    (_, one), (_, two) = ranks(ssh)
    shown = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "NCCL_DEBUG")
    assert [one[name] for name in shown] == ["0", "0", "2", "1", "node1", "a b'c"]
    assert [two[name] for name in shown] == ["1", "0", "2", "1", "node1", "a b'c"]
    assert one["MASTER_PORT"] == two["MASTER_PORT"]
    assert not list(ssh.parent.glob("stopped-*"))


def test_a_failing_rank_ends_those_of_the_other_host(ssh: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = "sys.exit(3) if rank == '1' else time.sleep(100)"
    with pytest.raises(
        MaskwrightError, match="the ranks of node2 ended with code 3, for the reason above"
    ) as caught:
        start(ssh, body, StopRequest())
    assert caught.value.exit_code == 3
    assert f"error: rank 1 ({socket.gethostname()}, " in capfd.readouterr().err
    assert (ssh.parent / "stopped-0").exists()
    assert not any(lives(pid) for pid, _ in ranks(ssh))


def test_a_signal_goes_to_all_hosts(ssh: Path) -> None:
    def tell() -> None:
        until(lambda: len(list(ssh.parent.glob("began-*"))) == 2)
        os.kill(os.getpid(), signal.SIGTERM)

    with listening() as stop:
        teller = threading.Thread(target=tell)
        teller.start()
        with pytest.raises(Interrupted, match="stopped by SIGTERM: saved"):
            start(ssh, "time.sleep(100)", stop)
        teller.join()
    assert len(list(ssh.parent.glob("stopped-*"))) == 2


def test_a_broken_connection_leaves_no_process(ssh: Path) -> None:
    def cut() -> None:
        until(lambda: len(list(ssh.parent.glob("began-*"))) == 2)
        os.kill(int((ssh.parent / "ssh-node2").read_text().split()[-1]), signal.SIGKILL)

    (ssh.parent / "apart").write_text("node2")
    listen = (
        "signal.signal(signal.SIGHUP, stop); signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])\n"
    )
    cutter = threading.Thread(target=cut)
    cutter.start()
    with pytest.raises(MaskwrightError, match="what led to node2 was ended by SIGKILL"):
        start(ssh, listen + "time.sleep(100)", StopRequest())
    cutter.join()
    until(lambda: not any(lives(pid) for pid, _ in ranks(ssh)))
    assert len(list(ssh.parent.glob("stopped-*"))) == 2


def test_hosts_that_cannot_take_part_are_told_before_anything_starts(ssh: Path) -> None:
    with pytest.raises(UsageError) as caught:
        start(ssh, "", StopRequest(), ["node1", "nowhere", "node2"])
    assert str(caught.value).startswith("nowhere cannot be reached: is `ssh nowhere` possible")
    assert not list(ssh.parent.glob("began-*"))


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (
            'cd /; set -- "${@/cd /cd /none}"',
            "node1 has no folder .*: the program and the runs have to be on",
        ),
        ('set -- "${@/exec env/exec none}"', "node1 cannot run .* .code 127.: the program"),
    ],
)
def test_hosts_that_do_not_share_the_disk(ssh: Path, before: str, said: str) -> None:
    (ssh.parent / "before").write_text(before)
    with pytest.raises(UsageError, match=said):
        start(ssh, "", StopRequest(), ["node1"])


def test_other_code_and_runs_that_are_not_seen(
    ssh: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hosts, "program", lambda: "older")
    with pytest.raises(UsageError, match=r"node1 cannot take part \(code 2\), for the reason above"):
        start(ssh, "", StopRequest(), ["node1"])
    assert "has another program than" in capfd.readouterr().err
    monkeypatch.undo()
    fleet = Fleet([Host("node1", 1)], [str(ssh)])
    with pytest.raises(UsageError, match="node1 cannot take part"):
        start_fleet(["true"], fleet, ssh / "recipe.yaml", StopRequest())
    assert "runs have to be on a disk that all hosts share" in capfd.readouterr().err


def test_a_port_that_is_taken(
    ssh: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("MASTER_PORT", str(server.getsockname()[1]))
        with pytest.raises(UsageError, match="node1 cannot take part"):
            start(ssh, "", StopRequest(), ["node1"])
    assert "is taken (Address already in use): set MASTER_PORT to a free one" in capfd.readouterr().err


def test_this_host_needs_no_ssh(ssh: Path) -> None:
    start(ssh, "", StopRequest(), ["localhost", socket.gethostname()])
    assert not list(ssh.parent.glob("ssh-*"))
