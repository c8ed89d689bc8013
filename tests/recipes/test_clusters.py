"""Jobs of several ranks as their users meet them: signals, a rank that dies, Slurm, and two machines."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pretrain.__main__ import main
from pretrain.launch.ranks import free_port
from tests.pretrain.slurm import Slurm
from tests.recipes.conftest import Clean, small
from tests.recipes.making import Command, artefacts

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CALM = ("name=long", "train.model.hidden_dropout_prob=0", "train.model.attention_probs_dropout_prob=0")
ENDLESS = (*CALM, "train.steps=100000", "train.save_every=100000")


class Program:
    """`python -m pretrain.run`, in a process group of its own."""

    def __init__(self, clean: Clean, runs: Path, *words: str) -> None:
        line = [
            sys.executable,
            "-m",
            "pretrain.run",
            str(clean.recipe),
            "--runs",
            str(runs),
            "--only",
            "train",
        ]
        self.said = runs.with_name("said")
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                [*line, *words],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                cwd=runs.parent,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def end(self) -> tuple[int, str]:
        """Exit code and what it said on the standard error."""
        code = self.process.wait(200)
        return code, self.said.read_text("utf-8")


def until(condition: Callable[[], object], alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not condition():
        assert alive()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def trains(runs: Path) -> bool:
    """Whether a step has been told of."""
    return any(path.stat().st_size for path in runs.glob("long*/metrics.jsonl"))


def saved(runs: Path) -> list[Path]:
    return list(runs.glob(".store/checkpoint-*.partial/step-*"))


def alive(runs: Path) -> list[str]:
    """Command lines of processes that work on these runs."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in lines.splitlines() if str(runs) in line and "pretrain" in line]


@pytest.mark.parametrize("way", ["INT to the group", "TERM to the top", "USR1 to the top"])
def test_a_signal_to_two_ranks_is_one_save(clean: Clean, runs: Path, way: str) -> None:
    program = Program(clean, runs, *ENDLESS, "train.speed.processes=2")
    until(lambda: trains(runs), lambda: program.process.poll() is None)
    name, _, whom = way.partition(" to the ")
    (os.killpg if whom == "group" else os.kill)(program.process.pid, signal.Signals[f"SIG{name}"])
    code, said = program.end()
    assert code == 75, said
    assert len(saved(runs)) == 1
    first, last = said.splitlines()  # of rank 0, and of the parent
    assert first.startswith("interrupted: stopped and saved after step ")
    assert last == f"interrupted: stopped by SIG{name}: saved, the same command goes on"
    assert alive(runs) == []
    assert not list(runs.glob("**/*lock"))


def tasks(clean: Clean, runs: Path) -> list[Command]:
    """Two tasks as srun starts them, on nodes of one name; they train."""
    job = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_JOB_NODELIST": "localhost"}
    job |= {"MASTER_PORT": str(free_port()), "SLURM_TASKS_PER_NODE": "2"}
    words = ["run", clean.recipe, "--runs", runs, "--only", "train", *ENDLESS]
    ranks = [
        Command(
            words,
            runs.with_name(f"said-{task}"),
            environment={**job, "SLURM_PROCID": task, "SLURM_LOCALID": task},
        )
        for task in "01"
    ]
    until(lambda: trains(runs), lambda: all(one.process.is_alive() for one in ranks))
    return ranks


def test_a_rank_that_dies_is_named_by_the_others(clean: Clean, runs: Path) -> None:
    """As tasks of srun: no parent of ours sees the end of a rank."""
    ranks = tasks(clean, runs)
    ranks[1].process.kill()
    ended = ranks[0].end()
    assert (ended.code, saved(runs)) == (1, [])
    assert ended.errors.startswith(f"error: rank 1 ({socket.gethostname()}, ")
    assert ended.errors.endswith(" is gone; this one stops, too. The same command goes on\n")
    ended = ranks[1].end()
    assert (ended.code, ended.errors) == (-signal.SIGKILL, "")


def test_every_task_of_srun_gets_the_signal(clean: Clean, runs: Path) -> None:
    ranks = tasks(clean, runs)
    for one in ranks:
        os.kill(one.process.pid or 0, signal.SIGUSR1)
    ended = [one.end() for one in ranks]
    assert [one.code for one in ended] == [75, 75], ended
    assert len(saved(runs)) == 1
    assert all("saved after step" in one.errors and one.errors.count("\n") == 1 for one in ended)


def test_more_ranks_than_rows_are_one_message(clean: Clean, runs: Path) -> None:
    ended = small(clean, runs, "--only", "train", *ENDLESS, "train.speed.processes=9")
    assert (ended.code, ended.errors.count("\n")) == (2, 1)
    assert "batch is 8, and 9 processes share it" in ended.errors


NODES = """\
set -e
mount -t tmpfs none /run
mkdir -p /run/netns
for node in 1 2; do ip netns add node$node; ip -n node$node link set lo up; done
ip link add eth0 netns node1 type veth peer name eth0 netns node2
for node in 1 2; do
  ip -n node$node address add 10.231.0.$node/24 dev eth0
  ip -n node$node link set eth0 up
done
"$@"
"""
SSH = """\
#!/bin/bash
node=node${1##*.}; shift
exec ip netns exec "$node" unshare --uts sh -c 'hostname "$0"; exec sh -c "$1"' "$node" "$*"
"""


@pytest.fixture
def two_nodes(tmp_path: Path) -> list[str]:
    """What runs a command where two hosts are: network namespaces with an address each, gone when it ends."""
    (tmp_path / "nodes").write_text(NODES)
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o700)
    (tmp_path / "hosts").write_text("10.231.0.1 slots=1\n10.231.0.2 slots=1\n")
    mapped = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *mapped, "--net", "--mount", "bash", str(tmp_path / "nodes")]
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("needs unshare and ip")
    probe = [*words, "ip", "netns", "exec", "node1", "unshare", "--uts", "hostname", "node1"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no right to make network namespaces")
    return words


def test_two_machines_train_what_one_trains(clean: Clean, runs: Path, two_nodes: list[str]) -> None:
    import torch
    from safetensors.torch import load_file

    line = [sys.executable, "-m", "pretrain.run", str(clean.recipe), "--runs", str(runs), *CALM]
    line += ["--until", "train", "--hostfile", str(runs.parent / "hosts"), "--ssh", str(runs.parent / "ssh")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GLOO_SOCKET_IFNAME": "eth0"}
    done = subprocess.run(
        [*two_nodes, *line], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    two = made(runs, clean)
    facts = json.loads((two / "manifest.json").read_text("utf-8"))["facts"]
    assert facts["speed"]["processes"] == 2
    shutil.copytree(clean.runs, runs.with_name("one"), symlinks=True)
    assert small(clean, runs.with_name("one"), *CALM, "--until", "train").code == 0
    wanted = load_file(made(runs.with_name("one"), clean) / "step-00000012" / "model.safetensors")
    found = load_file(two / "step-00000012" / "model.safetensors")
    for name, tensor in wanted.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5, msg=name)
    assert not list(runs.glob("**/*lock*"))


def test_jobs_of_slurm_make_what_a_run_makes(
    clean: Clean, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Slurm(runs.parent, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for kind in ("checkpoint", "export"):
        shutil.rmtree(next(runs.glob(f".store/{kind}-*")))
    moved = runs.rename(runs.with_name("两 runs"))
    words = ["submit", clean.recipe, "--runs", moved, "--until", "release", "--site", cluster.site()]
    assert main([str(word) for word in words]) == 0
    assert cluster.jobs() == [("1", "small:train", ""), ("2", "small:release", "1")]
    assert artefacts(moved).keys() == clean.files.keys()
    assert main([str(word) for word in words]) == 0
    assert len(cluster.jobs()) == 2  # nothing is left to submit


def made(runs: Path, clean: Clean) -> Path:
    """The checkpoint that a copy of the finished run has beside its own."""
    before = {path.name for path in clean.runs.glob(".store/checkpoint-*")}
    (place,) = (path for path in runs.glob(".store/checkpoint-*") if path.name not in before)
    return place
