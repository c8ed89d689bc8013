"""Slurm, played by a few lines of shell: sbatch works a job off before it answers, requeued or not."""

import os
from pathlib import Path

import pytest

SBATCH = """\
#!/bin/bash
here=$(dirname "$0"); script="${@: -1}"; number=$(($(grep -c . "$here/jobs" 2> /dev/null) + 1))
option() { eval "printf %s $(sed -n "s/^#SBATCH --$1=//p" "$script")"; }
after=$(sed -n 's/.*--dependency=afterok:\\([0-9]*\\).*/\\1/p' <<< "$*")
[ -e "$here/full" ] && { echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }
printf '%s\\t%s\\t%s\\n' "$number" "$(option job-name)" "$after" >> "$here/jobs"
if [ -z "$after" ] || [ "$(cat "$here/code-$after")" = 0 ]; then
  export SLURM_JOB_ID=$number SLURM_JOB_NODELIST=localhost
  export SLURM_NTASKS=$(($(option nodes) * $(option ntasks-per-node))) SLURM_RESTART_COUNT=0
  log=$(option output); log=${log//%%/%}; cd "$(option chdir)" || exit
  while true; do
    bash "$script" >> "${log/\\%j/$number}" 2>&1; echo $? > "$here/code-$number"
    rm "$here/requeue-$number" 2> /dev/null || break
    SLURM_RESTART_COUNT=$((SLURM_RESTART_COUNT + 1))
  done
fi
echo "$number;cluster"
"""
SRUN = """\
#!/bin/bash
while [[ "$1" == -* ]]; do shift; done
for task in $(seq 0 $((SLURM_NTASKS - 1))); do
  SLURM_PROCID=$task SLURM_LOCALID=$task SLURM_TASKS_PER_NODE=$SLURM_NTASKS SLURM_NODEID=0 "$@" & tasks+=($!)
done
code=0
for task in "${tasks[@]}"; do wait "$task"; ended=$?; [ $ended -gt $code ] && code=$ended; done
exit $code
"""
SCONTROL = """\
#!/bin/bash
[ "$1" = requeue ] || { echo localhost; exit; }
touch "$(dirname "$0")/requeue-$2"
"""
SQUEUE = '#!/bin/bash\ncat "$(dirname "$0")/queue-${@: -1}" 2> /dev/null; exit 0\n'


class Slurm:
    """A cluster of one machine, its commands on the path."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "slurm"
        self.folder.mkdir()
        programs = {"sbatch": SBATCH, "srun": SRUN, "scontrol": SCONTROL, "squeue": SQUEUE}
        for name, text in programs.items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o700)
        monkeypatch.setenv("PATH", f"{self.folder}:{os.environ['PATH']}")

    def site(self, more: str = "") -> Path:
        """A site file: training in two tasks."""
        path = self.folder / "site.yaml"
        path.write_text(f"gpu: {{nodes: 1, gpus: 2, cpus: 1}}\n{more}", "utf-8")
        return path

    def jobs(self) -> list[tuple[str, str, str]]:
        """Number, name and predecessor of every job."""
        jobs = self.folder / "jobs"
        lines = jobs.read_text("utf-8").splitlines() if jobs.exists() else []
        return [(number, name, after) for number, name, after in (line.split("\t") for line in lines)]
