"""Which rank a process is, as launchers say it, and what is wrong with what they say."""

from collections.abc import Mapping

import pytest

from corpora.errors import UsageError
from pretrain import launch
from pretrain.launch import environment, slurm
from pretrain.launch.environment import LAUNCHED, settled

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
TASK = {
    "SLURM_JOB_ID": "20007",
    "SLURM_PROCID": "5",
    "SLURM_NTASKS": "7",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_TASKS_PER_NODE": "4,3",
    "SLURM_JOB_NODELIST": "localhost,n[1-2]",
}


@pytest.fixture(autouse=True)
def _no_scontrol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def test_a_process_that_nobody_launched_is_alone() -> None:
    assert settled({"SLURM_JOB_ID": "1", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}) == {}
    assert settled({"SLURM_NTASKS": "8"}) == {}  # a shell within an allocation, no task of srun


def test_what_torchrun_says_stays() -> None:
    assert settled({"RANK": "1", "WORLD_SIZE": "2", **MEETING, **TASK}) == {}
    assert settled({"RANK": "0", "WORLD_SIZE": "1"}) == {}


def test_a_task_of_srun_is_a_rank() -> None:
    assert settled(TASK) == {
        "RANK": "5",
        "WORLD_SIZE": "7",
        "LOCAL_RANK": "1",
        "LOCAL_WORLD_SIZE": "3",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": "10007",
    }


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (MEETING, {"MASTER_ADDR": None, "MASTER_PORT": None}),
        ({"SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_TASKS_PER_NODE": "2(x3)"}, {"WORLD_SIZE": "6"}),
        ({"SLURM_STEP_NODELIST": "127.0.0.1"}, {"MASTER_ADDR": "127.0.0.1"}),
        ({"SLURM_GPUS_PER_TASK": "1"}, {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}),
        ({"SLURM_CPUS_PER_TASK": "12"}, {"OMP_NUM_THREADS": "12"}),
        ({"SLURM_CPUS_PER_TASK": "12", "OMP_NUM_THREADS": "3"}, {"OMP_NUM_THREADS": None}),
    ],
)
def test_what_else_slurm_and_users_say(given: Mapping[str, str], made: Mapping[str, str | None]) -> None:
    found = settled({**TASK, **given})
    assert {name: found.get(name) for name in made} == made


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"RANK": "1"}, r"RANK is set in the environment \(1\) and WORLD_SIZE is not"),
        ({"WORLD_SIZE": "2"}, r"WORLD_SIZE is set in the environment \(2\) and RANK is not"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK in the environment is 'one', a whole number"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK is 2, but WORLD_SIZE is 2: ranks count from 0"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, "MASTER_ADDR is not: a launcher such as torchrun"),
        ({"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}, "MASTER_PORT is not"),
        ({"RANK": "0", "WORLD_SIZE": "2", **MEETING, "MASTER_PORT": "70000"}, "MASTER_PORT is 70000, which"),
        (
            {"RANK": "0", "WORLD_SIZE": "2", **MEETING, "MASTER_ADDR": "no.such.invalid"},
            r"knows no host 'no\.such\.invalid' .*, MASTER_ADDR: set MASTER_ADDR",
        ),
        (
            {**TASK, "SLURM_JOB_NODELIST": "no-such[07-09].invalid"},
            "knows no host 'no-such07.invalid' .* SLURM_JOB",
        ),
        ({**TASK, "SLURM_JOB_NODELIST": "n[1-"}, r"SLURM_JOB_NODELIST is 'n\[1-', wanted a list such as"),
    ],
)
def test_contradictions_are_messages(wrong: Mapping[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settled(wrong)


def test_a_job_that_starts_again_is_known_by_its_number() -> None:
    assert slurm.job({}) == ("", 0)
    again = {"SLURM_JOB_ID": "7", "SLURM_CLUSTER_NAME": "big", "SLURM_RESTART_COUNT": "2"}
    assert slurm.job(again) == ("slurm big/7", 2)


def test_slurm_itself_is_asked_for_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    program = f"{tmp_path}/scontrol"
    with open(program, "w") as file:
        file.write('#!/bin/sh\n[ "$3" = odd ] && exit 1\necho "$1 $2 $3" | tr " " "\\n"\n')
    monkeypatch.setattr("pretrain.launch.slurm.shutil.which", lambda name: program)
    import os

    os.chmod(program, 0o700)
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    assert slurm.hosts("n[1-2]") == ["show", "hostnames", "n[1-2]"]
    assert slurm.hosts("odd") == ["odd"]


def test_how_many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert launch.processes_for(3) == 3
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert launch.processes_for(None) == 1
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert launch.processes_for(None) == 4
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert (launch.processes_for(3), launch.processes_for(None)) == (1, 1)


def test_a_process_alone_is_rank_0(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", LAUNCHED):
        monkeypatch.delenv(name, raising=False)
    assert (launch.rank(), launch.is_rank(), launch.launched()) == (0, False, False)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv(LAUNCHED, "1")
    assert (launch.rank(), launch.is_rank(), launch.launched()) == (1, True, True)


def test_the_environment_is_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in TASK.items():
        monkeypatch.setenv(name, value)
    environment.settle()
    assert (launch.rank(), launch.is_rank()) == (5, True)
