"""ALUM: what a step costs, whether its perturbation is adversarial, and whether training on it pays.

cost         a step of ours with ALUM (K = 1) beside our plain step, and beside a plain port (the head at
             every token, `.backward()` in the ascent): processor seconds and most bytes held, each a process
health       what the three profiles' perturbations do to a trained model, in fp32 and bf16: symmetric KL
             (nats) at delta, at a random one of its norm, and at none (the dropout floor)
experiment   one RoBERTa, continued plainly and with ALUM, at equal steps and at equal time (the plain one
             takes as many more steps as --ratio says), some seeds: held-out masked-LM loss, and with labelled
             rows the fine-tuned accuracy, and that under attack

    python -m benchmarks.adversarial cost [--networks 6x256 12x768] [--rounds 3]
    python -m benchmarks.adversarial health --text TEXT [--steps 1000]
    python -m benchmarks.adversarial experiment --text TEXT [--labelled ROWS] [--seeds 0 1 2] [--steps 300]

Parts are kept side by side in results/adversarial.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.adversarial_run import Job
from benchmarks.pairing import command, in_turn, keep, machine, ratios, spread

RESULTS = Path(__file__).parent / "results" / "adversarial.json"
PACKAGES = ("deepspeed", "numpy", "torch", "transformers")
SIDES = ("plain", "alum", "port")
WARM = 2  # steps that are not counted
VOCABULARY = 21_128
LENGTH = 128


def main() -> None:
    """Measure one part, print it, and write it beside the others."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("cost", "health", "experiment"))
    parser.add_argument("--networks", nargs="+", default=["6x256"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--text")
    parser.add_argument("--labelled", help="the setting finetune.data, such as '{path: rows.tsv, test: 0.2}'")
    parser.add_argument("--attacks", help="the setting finetune.attacks")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--base-steps", type=int, default=1000)
    parser.add_argument("--ratio", type=float, default=2.7, help="of the cost of a step: steps of equal time")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    part = {"cost": _cost, "health": _health, "experiment": _experiment}[args.part]
    with tempfile.TemporaryDirectory() as folder:
        found = part(args, Path(folder))
    known = json.loads(args.results.read_text("utf-8")) if args.results.exists() else {}
    told = {"machine": machine(*PACKAGES), "load": [round(each, 1) for each in os.getloadavg()]}
    keep(args.results, known | {args.part: told | found})


def _cost(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    gpu = torch.cuda.is_available()
    found = {}
    for name in args.networks:
        layers, hidden = map(int, name.split("x"))
        job = Job(layers, hidden, VOCABULARY, args.rows, LENGTH, args.steps or 6, "bf16" if gpu else "fp32")
        runs = in_turn({side: partial(_run, side, job) for side in SIDES}, args.rounds)
        seconds = {side: [_mean(one["seconds"][WARM:]) for one in each] for side, each in runs.items()}
        row: dict[str, Any] = {"job": asdict(job)}
        row["seconds"] = {side: spread(each) for side, each in seconds.items()}
        row["alum_to_plain"] = ratios(seconds, "alum", "plain")
        row["port_to_plain"] = ratios(seconds, "port", "plain")
        row["peak_bytes"] = {side: spread([one["peak_bytes"] for one in each]) for side, each in runs.items()}
        found[name] = row
        memory = ", ".join(f"{side} {row['peak_bytes'][side]['median'] / 1e9:.2f}" for side in SIDES)
        print(f"{name}: ALUM {row['alum_to_plain']['median']:.2f} x a plain step, ", end="")
        print(f"the plain port {row['port_to_plain']['median']:.2f} x; GB: {memory}", flush=True)
    return found


def _run(side: str, job: Job) -> dict[str, Any]:
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.adversarial_run", side]
    found: dict[str, Any] = json.loads(command([*words, json.dumps(asdict(job))]).stdout.splitlines()[-1])
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _health(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """One step of each profile, of rate 0, behind the same trained network."""
    found: dict[str, Any] = {}
    base = [f"roberta.steps={args.steps or args.base_steps}", *_dropout(), *_text(args)]
    for precision in ("fp32", "bf16"):
        for profile in ("robust", "released", "paper"):
            changes = [f"alum.adversarial={{method: alum, profile: {profile}, health_every: 1}}"]
            changes += [f"alum.speed.precision={precision}", "alum.steps=1", "alum.optimizer.lr=1.0e-12"]
            changes += [
                "alum.masking.budget=0.15",
                "alum.schedule.warmup_steps=0",
                f"name={precision}-{profile}",
            ]
            facts = _train([*base, *changes, "alum.batch=64"], folder)
            row = facts["adversarial"]["last"]
            found[f"{profile}, {precision}"] = row
            figures = ("kl_delta", "kl_random", "kl_zero", "delta_cosine")
            print(f"{profile:9} {precision}", {name: f"{row[name]:.4g}" for name in figures}, flush=True)
    return found


def _experiment(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Arms of the recipe alum_tiny; the first checkpoint is one for all of a seed."""
    steps = args.steps or 300
    arms: Mapping[str, Sequence[str]] = {
        "alum": [f"alum.steps={steps}"],
        "plain, equal steps": [f"alum.steps={steps}", "alum.adversarial=null"],
        "plain, equal time": [f"alum.steps={round(steps * args.ratio)}", "alum.adversarial=null"],
    }
    found: dict[str, Any] = {arm: {} for arm in arms}
    for seed in args.seeds:
        for arm, changes in arms.items():
            words = [
                f"roberta.steps={args.base_steps}",
                f"seed={seed}",
                f"name={seed}-{arm.replace(' ', '-')}",
            ]
            words += [*_text(args), *changes, "alum.masking.budget=0.15", *_dropout(), *_score(args)]
            facts = _train(words, folder)
            row = {name: facts["held_out"][f"held_out_{name}"] for name in ("mlm", "mlm_accuracy")}
            row |= {name: facts["score"][name] for name in ("scores", "attacks") if name in facts["score"]}
            found[arm][str(seed)] = row
            print(f"seed {seed}, {arm}: {row}", flush=True)
    return found


def _text(args: argparse.Namespace) -> list[str]:
    if not args.text:
        raise SystemExit("this part trains a network: give --text TEXT, half a megabyte of English or more")
    return [f"text={args.text}"]


def _dropout() -> list[str]:
    """Dropout as in larger networks: what the perturbation does is told from what dropout does."""
    return [f"roberta.model.{kind}_dropout_prob=0.1" for kind in ("hidden", "attention_probs")]


def _score(args: argparse.Namespace) -> list[str]:
    """A stage that fine-tunes what was trained, where labelled rows are given."""
    if not args.labelled:
        return []
    attacks = f", attacks: {args.attacks}" if args.attacks else ""
    return [f"score={{kind: finetune, data: {args.labelled}, length: 64, epochs: 3, lr: 1.0e-3{attacks}}}"]


def _train(words: Sequence[str], folder: Path) -> dict[str, Any]:
    """The facts of the stage `alum` of the recipe alum_tiny, and what the stage `score` measured."""
    runs = folder / "runs"
    name = next(word.removeprefix("name=") for word in words if word.startswith("name="))
    subprocess.run(
        [sys.executable, "-m", "pretrain", "run", "alum_tiny", *words, "--runs", str(runs)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    stages = json.loads((runs / name / "stages.json").read_text("utf-8"))
    facts = {
        stage: json.loads((runs / name / stages[stage]["artefact"] / "manifest.json").read_text("utf-8"))[
            "facts"
        ]
        for stage in ("alum", "score")
        if stage in stages
    }
    return {**facts["alum"], "score": facts.get("score", {})}


if __name__ == "__main__":
    main()
