"""Batch scripts for Slurm: one for each stage that is not done, each waiting for the one before.

A script runs one stage by the same program that a person runs. Near the end of its time every task is told to
save (USR1), ends with the code of an interruption, and the job goes back into the queue, to go on.
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpora import disk
from corpora.errors import Busy, Interrupted, UsageError
from corpora.executors.slurm import is_running
from pretrain import notes
from pretrain.finetuning import Finetune
from pretrain.running import folders
from pretrain.running.chain import Link
from pretrain.running.runner import Job
from pretrain.running.site import Site
from pretrain.training.stage import Train

JOBS = "jobs.jsonl"  # in the run's folder: what was submitted
SCRIPTS = "slurm"  # its folder of scripts and logs


@dataclass(frozen=True)
class Script:
    """What sbatch is given for one stage."""

    stage: str
    text: str


def scripts(job: Job, site: Site, folder: Path) -> list[Script]:
    """Scripts of the wanted stages that are not done, in order. `folder` is the run's.

    Raises:
        UsageError: a stage reads what is neither made nor to be made, or has more processes than rows.
    """
    todo = [link for link in job.links() if link.name in job.wanted and not _done(job, link)]
    coming = {link.place for link in todo}
    for link in todo:
        for role, place in link.inputs.items():
            if not place.exists() and place not in coming:
                raise UsageError(f"{link.name} reads {role}, which is not made yet: submit that stage, too")
        if isinstance(link.config, Train):
            link.config.refuse_more_than_rows(site.gpu.nodes * max(1, site.gpu.gpus))
    return [Script(link.name, _text(link, job, site, folder.absolute())) for link in todo]


def submit(made: Sequence[Script], folder: Path) -> Iterator[tuple[str, str]]:
    """Hand the scripts to sbatch, each to start after the one before; stage and number of each job.

    Raises:
        Busy: jobs of this run are in the queue already.
        UsageError: there is no sbatch, or it refuses.
    """
    if shutil.which("sbatch") is None:
        raise UsageError(
            "submit needs sbatch: run it on a login node of the cluster; --dry-run prints the scripts "
            "anywhere"
        )
    _refuse_twice(folder)
    with disk.writing(folder / SCRIPTS):
        disk.make_folder(folder / SCRIPTS)
    before = ""
    for script in made:
        place = folder / SCRIPTS / f"{script.stage}.sh"
        notes.write(place, script.text)
        before = _sbatch(place, before)
        notes.append(folder / JOBS, {"stage": script.stage, "job": before})
        yield script.stage, before


def _done(job: Job, link: Link) -> bool:
    return job.store.find(link.config, link.fingerprint) is not None


def _refuse_twice(folder: Path) -> None:
    noted = {row["job"]: row["stage"] for row in notes.rows(folder / JOBS)}
    if waiting := {number: stage for number, stage in noted.items() if is_running(number)}:
        named = ", ".join(f"{stage} as {number}" for number, stage in waiting.items())
        raise Busy(f"jobs of {folder} are in the queue: {named}. Wait, or `scancel {' '.join(waiting)}`")


def _sbatch(script: Path, before: str) -> str:
    """Submit a script; the job's number."""
    # A job whose predecessor failed would wait for ever.
    after = [f"--dependency=afterok:{before}", "--kill-on-invalid-dep=yes"] if before else []
    told = subprocess.run(
        ["sbatch", "--parsable", *after, str(script)], capture_output=True, text=True, check=False
    )
    number = told.stdout.strip().partition(";")[0]
    if told.returncode or not number:
        queued = f"; the jobs before it are in the queue, the last one is {before}" if before else ""
        raise UsageError(
            f"sbatch refused {script} (code {told.returncode}): {told.stderr.strip()}{queued}. "
            "Look at partition, account, time and options of the site file"
        )
    return number


def _text(link: Link, job: Job, site: Site, folder: Path) -> str:
    """The script of a stage."""
    train, score = isinstance(link.config, Train), isinstance(link.config, Finetune)
    nodes = site.gpu if train or score else site.cpu
    count, gpus = (site.gpu.nodes, site.gpu.gpus) if train else (1, min(1, site.gpu.gpus) if score else 0)
    tasks = max(1, gpus)
    options: dict[str, str | int | None] = {
        "job-name": f"{folder.name}:{link.name}",
        "account": site.account,
        "partition": nodes.partition,
        "nodes": count,
        "ntasks-per-node": tasks,
        "gpus-per-node": gpus or None,
        "cpus-per-task": nodes.cpus,
        "mem": f"{nodes.memory_gigabytes}G" if nodes.memory_gigabytes else None,
        "time": nodes.time,
        "signal": f"USR1@{site.lead_seconds}",
        "chdir": str(Path.cwd()),
        "output": f"{folder / SCRIPTS / link.name}-%j.log".replace("%", "%%").replace("%%j.log", "%j.log"),
        "open-mode": "append",
    }
    return TEMPLATE.format(
        stage=link.name,
        run=folder.name,
        where=f"{count} x {tasks} processes" if train else "one process",
        options="\n".join(_directives({**options, **site.options, **nodes.options})),
        setup="".join(f"{line}\n" for line in [*site.setup, ""] if site.setup),
        cpus=nodes.cpus,
        program=_program(site),
        recipe=shlex.quote(str(folder / folders.RECIPE)),
        runs=shlex.quote(str(job.runs.absolute())),
        interrupted=Interrupted.exit_code,
        restarts=site.restarts,
    )


def _directives(options: Mapping[str, str | int | None]) -> Iterator[str]:
    """Lines for sbatch, which reads quotes as a shell does."""
    for name, value in options.items():
        if value is not None:
            yield f"#SBATCH --{name}={shlex.quote(str(value))}"


def _program(site: Site) -> str:
    python = site.python or ("python" if site.container else shlex.quote(sys.executable))
    return f"{site.container} {python}" if site.container else python


TEMPLATE = """\
#!/bin/bash
# Stage {stage} of {run}: {where}. Written by `maskwright submit`.
{options}
#SBATCH --requeue

{setup}# srun does not hand on the processors of the job by itself. A task that fails ends the others.
srun --cpus-per-task={cpus} --kill-on-bad-exit=1 \\
  {program} -m pretrain.run {recipe} \\
  --runs {runs} --only {stage}
code=$?

# {interrupted}: told to save before the time was up. The same job goes on where it stopped.
if [ "$code" -eq {interrupted} ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {restarts} ]; then
  scontrol requeue "$SLURM_JOB_ID" || echo "not requeued: submit again to go on" >&2
fi
exit "$code"
"""
