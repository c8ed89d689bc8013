"""Run recipes for an experiment, and read what their stages found."""

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from corpora.artefact import Artefact
from pretrain.finetuning.metrics import Spread
from pretrain.recipe import load
from pretrain.running.folders import find, remembered


def facts(recipe: str, words: Sequence[str], runs: Path) -> dict[str, dict[str, Any]]:
    """Run a recipe, or find it done in `runs`: the facts of each of its stages.

    Raises:
        SystemExit: the run failed; what it said is on the screen.
    """
    command = [sys.executable, "-m", "pretrain", "run", recipe, *words, "--runs", str(runs)]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        raise SystemExit(f"this failed: {shlex.join(command)}")
    settled = load(recipe, words)
    folder, _ = find(settled, runs)  # another run may have taken the name itself
    notes = remembered(folder)
    return {
        stage: Artefact.open(folder / str(notes[stage]["artefact"])).facts
        for stage in settled.stages
        if stage in notes
    }


def apart(one: Mapping[str, Mapping[str, float]], other: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """By measure, `one` less `other`, over the seeds that both have."""
    seeds = [seed for seed in one if seed in other]
    names = one[seeds[0]] if seeds else ()
    each = {name: Spread.of([one[seed][name] - other[seed][name] for seed in seeds]) for name in names}
    return {name: {"mean": it.mean, "deviation": it.std, "seeds": it.runs} for name, it in each.items()}
