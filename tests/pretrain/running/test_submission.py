"""`maskwright submit`: readable scripts, in order, which survive odd paths and a requeue."""

import shutil
import subprocess
from pathlib import Path

import pytest

from pretrain.__main__ import main
from tests.pretrain.slurm import Slurm
from tests.recipes.making import STAGES, write_recipe

Captured = pytest.CaptureFixture[str]

PYTHON = """\
#!/bin/bash
# Notes what it is asked; training is interrupted at first.
line=$(printf '%s|' "$SLURM_PROCID" "$PWD" "$@")
printf '%s\\n' "$line" >> "$0.calls"  # at once: two tasks write
[ "${@: -1}" = "$(cat "$0.fails" 2> /dev/null)" ] && exit 3
[ "${@: -1}" = train ] && [ "$SLURM_RESTART_COUNT" -lt 2 ] && exit 75
exit 0
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose name needs quotes."""
    folder = tmp_path / "项目's 100% folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    write_recipe(folder)
    (folder / "py").write_text(PYTHON)
    (folder / "py").chmod(0o700)
    return folder


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Slurm:
    return Slurm(tmp_path, monkeypatch)


def submit(cluster: Slurm, *words: str, more: str = "") -> int:
    site = cluster.site(f"python: ./py\n{more}")
    return main(["submit", "small.yaml", "--site", str(site), *words])


def test_stages_are_jobs_in_order_and_interrupted_ones_go_on(
    place: Path, cluster: Slurm, capsys: Captured
) -> None:
    assert submit(cluster) == 0
    numbers = [str(n + 1) for n in range(len(STAGES))]
    names = [f"small:{stage}" for stage in STAGES]
    assert cluster.jobs() == list(zip(numbers, names, ["", *numbers], strict=False))
    calls = [line.split("|") for line in (place / "py.calls").read_text("utf-8").splitlines()]
    assert all(words[1] == str(place) for words in calls)
    run = place / "runs" / "small"
    asked = ["-m", "pretrain.run", str(run / "recipe.yaml"), "--runs", str(place / "runs"), "--only"]
    assert all(words[2:8] == asked for words in calls)
    assert [words[8] for words in calls if words[0] == "0"] == [
        stage for stage in STAGES for _ in range(3 if stage == "train" else 1)
    ]
    assert sorted(words[0] for words in calls if words[8] == "train") == ["0"] * 3 + ["1"] * 3
    said = capsys.readouterr().out.splitlines()
    assert said[:-1] == [f"{stage}: job {number}" for stage, number in zip(STAGES, numbers, strict=True)]
    assert (run / "slurm" / "train-4.log").exists()


def test_a_job_that_fails_ends_the_chain(place: Path, cluster: Slurm) -> None:
    (place / "py.fails").write_text("tokens")
    assert submit(cluster) == 0
    assert len((place / "py.calls").read_text("utf-8").splitlines()) == 2
    assert (cluster.folder / "code-2").read_text().strip() == "3"


def test_a_dry_run_prints_the_scripts_and_does_nothing(place: Path, cluster: Slurm, capsys: Captured) -> None:
    more = """\
account: nlp
cpu: {partition: cpu, cpus: 16, memory_gigabytes: 32, time: 4:00:00}
setup: [module load cuda/12.4]
container: apptainer exec --nv '/images/mask wright.sif'
options: {qos: high}
lead_seconds: 120
"""
    assert submit(cluster, "--dry-run", more=more) == 0
    script = capsys.readouterr().out
    assert (cluster.jobs(), (place / "runs" / "small").exists()) == ([], False)
    shards, train, score = (script.split("#!/bin/bash\n")[n] for n in (1, 4, 6))
    for line in (
        "--account=nlp",
        "--partition=cpu",
        "--cpus-per-task=16",
        "--mem=32G",
        "--time=4:00:00",
        "--signal=USR1@120",
        "--qos=high",
        "--ntasks-per-node=1",
        "--requeue",
        "--open-mode=append",
    ):
        assert f"\n#SBATCH {line}\n" in shards
    assert "gpus" not in shards
    assert all(f"\n#SBATCH {line}\n" in train for line in ("--gpus-per-node=2", "--ntasks-per-node=2"))
    assert all(f"\n#SBATCH {line}\n" in score for line in ("--gpus-per-node=1", "--ntasks-per-node=1"))
    assert "\nmodule load cuda/12.4\n" in train
    assert "\n  apptainer exec --nv '/images/mask wright.sif' ./py -m pretrain.run " in train
    assert "small/slurm/train-%j.log" in train
    assert "100%% folder" in train


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing(place: Path, cluster: Slurm, capsys: Captured) -> None:
    assert submit(cluster, "--dry-run", more="setup: [module load cuda/12.4]\n") == 0
    for number, text in enumerate(capsys.readouterr().out.split("#!/bin/bash\n")[1:]):
        script = cluster.folder / f"{number}.sh"
        script.write_text(f"#!/bin/bash\n{text}")
        checked = subprocess.run(["shellcheck", str(script)], capture_output=True, text=True, check=False)
        assert checked.stdout == ""


def test_jobs_in_the_queue_are_not_submitted_twice(place: Path, cluster: Slurm, capsys: Captured) -> None:
    assert submit(cluster, "--until", "shards") == 0
    (cluster.folder / "queue-1").write_text("1 small:shards\n")
    assert submit(cluster, "--until", "shards") == 7
    assert "are in the queue: shards as 1. Wait, or `scancel 1`" in capsys.readouterr().err
    (cluster.folder / "queue-1").unlink()
    assert submit(cluster, "--until", "shards") == 0


def test_what_cannot_be_submitted(
    place: Path, cluster: Slurm, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert submit(cluster, "--only", "train") == 2
    assert "train reads data, which is not made yet: submit that stage, too" in capsys.readouterr().err
    assert submit(cluster, "train.batch=1") == 2
    assert "batch is 1, and 2 processes share it" in capsys.readouterr().err
    (cluster.folder / "full").touch()
    assert submit(cluster) == 2
    said = capsys.readouterr().err
    assert "sbatch refused" in said
    assert "QOSMaxSubmitJobPerUserLimit" in said
    monkeypatch.setenv("PATH", "/nowhere")
    assert submit(cluster) == 2
    assert "submit needs sbatch: run it on a login node" in capsys.readouterr().err
