"""ALUM: what a step costs, whether its perturbation is adversarial, and whether training on it pays.

cost         a step of ours with ALUM (K = 1) beside our plain step, and beside a plain port (the head at
             every token, `.backward()` in the ascent): processor seconds and most bytes held, each a process
health       what the three profiles' perturbations do to a trained model, in fp32 and bf16: symmetric KL
             (nats) at delta, at a random one of its norm, and at none (the dropout floor)
experiment   one RoBERTa, continued plainly and with ALUM, at equal steps and at equal time (the plain one
             takes as many more steps as --ratio says), some seeds: held-out masked-LM loss, and with labelled
             rows the fine-tuned accuracy, and that under attack; ALUM less plain, seed by seed

    python -m benchmarks.adversarial cost [--networks 6x256 12x768] [--rounds 3]
    python -m benchmarks.adversarial health --text TEXT [--base-steps 1000]
    python -m benchmarks.adversarial experiment --text TEXT --labelled '{path: rows.tsv, test: 0.2}'
        --attacks '[characters, typos]' [--seeds 0 1 2] [--steps 300] [--runs FOLDER] [KEY=VALUE]

Parts are kept side by side in results/adversarial.json, each as far as it is done. With --runs, what was
killed goes on from there when it is given again. KEY=VALUE are settings of the recipe alum_tiny, such as
roberta.model.hidden_size=256 or score.seeds=[0].
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.adversarial_run import Job
from benchmarks.pairing import command, in_turn, keep, machine, ratios, spread
from benchmarks.recipes import apart, facts
from pretrain.finetuning.metrics import Spread

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
    parser.add_argument("--runs", type=Path, help="where runs are kept, and taken up again")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args, settings = parser.parse_known_args()
    args.settings = settings
    part = {"cost": _cost, "health": _health, "experiment": _experiment}[args.part]
    with tempfile.TemporaryDirectory() as passing:
        for found in part(args, args.runs or Path(passing)):
            known = json.loads(args.results.read_text("utf-8")) if args.results.exists() else {}
            told = {"machine": machine(*PACKAGES), "load": [round(each, 1) for each in os.getloadavg()]}
            keep(args.results, known | {args.part: told | found})


def _cost(args: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """By network; what is known after each."""
    gpu = torch.cuda.is_available()
    found: dict[str, Any] = {}
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
        yield found


def _run(side: str, job: Job) -> dict[str, Any]:
    words = [sys.executable, "-W", "ignore", "-m", "benchmarks.adversarial_run", side]
    found: dict[str, Any] = json.loads(command([*words, json.dumps(asdict(job))]).stdout.splitlines()[-1])
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _health(args: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """One step of each profile, of rate 0, behind the same trained network; what is known after each."""
    found: dict[str, Any] = {}
    for precision in ("fp32", "bf16"):
        for profile in ("robust", "released", "paper"):
            changes = [f"alum.adversarial={{method: alum, profile: {profile}, health_every: 1}}"]
            changes += [f"alum.speed.precision={precision}", "alum.steps=1", "alum.optimizer.lr=1.0e-12"]
            changes += ["alum.schedule.warmup_steps=0", "alum.batch=64"]
            # Precision is no part of what a run is: beside each other, the second would be found done.
            made = _train(f"{precision}-{profile}", changes, args, folder / precision)
            row = made["alum"]["adversarial"]["last"]
            found[f"{profile}, {precision}"] = row
            figures = ("kl_delta", "kl_random", "kl_zero", "delta_cosine")
            print(f"{profile:9} {precision}", {name: f"{row[name]:.4g}" for name in figures}, flush=True)
            yield found


def _experiment(args: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    """Arms of the recipe alum_tiny, one first checkpoint a seed for all; what is known after each run."""
    steps = args.steps or 300
    longer = round(steps * args.ratio)
    plain, score = ["alum.adversarial=null"], _score(args)
    arms = {"alum": (steps, []), "equal-steps": (steps, plain), "equal-time": (longer, plain)}
    found: dict[str, dict[str, dict[str, float]]] = {arm: {} for arm in arms}
    for seed in args.seeds:
        for arm, (some, changes) in arms.items():
            words = [f"seed={seed}", f"alum.steps={some}", f"alum.schedule.warmup_steps={some // 10}"]
            words += [*changes, *score]
            found[arm][str(seed)] = row = _measures(_train(f"{arm}-{seed}", words, args, folder))
            print(f"{arm}, seed {seed}: {_told(row)}", flush=True)
            against = {
                f"alum less plain at {peer}": apart(found["alum"], found[peer]) for peer in [*arms][1:]
            }
            yield {
                "steps": steps,
                "longer": longer,
                "settings": [*score, *args.settings],
                "arms": found,
            } | against
    for title, each in against.items():
        print(f"{title}: {_told({name: Spread.of(one['seeds']).signed for name, one in each.items()})}")


def _measures(made: Mapping[str, Any]) -> dict[str, float]:
    """Of one run: the held-out loss in nats, and shares of right answers; means over fine-tuning's seeds."""
    held_out = {name: made["alum"]["held_out"][f"held_out_{name}"] for name in ("mlm", "mlm_accuracy")}
    score = made.get("score", {"scores": {"pretrained": {}}})
    scores = {name: one["mean"] for name, one in score["scores"]["pretrained"].items()}
    under = score.get("under_attack", {}).get("pretrained", {})
    return held_out | scores | {f"accuracy under {name}": one["mean"] for name, one in under.items()}


def _told(row: Mapping[str, float | str]) -> str:
    each = {name: value if isinstance(value, str) else f"{value:.4f}" for name, value in row.items()}
    return ", ".join(f"{name} {value}" for name, value in each.items())


def _score(args: argparse.Namespace) -> list[str]:
    """A stage that fine-tunes what was trained, where labelled rows are given."""
    if not args.labelled:
        return []
    attacks = f", attacks: {args.attacks}" if args.attacks else ""
    return [
        f"stages.score={{kind: finetune, data: {args.labelled}, length: 64, epochs: 3, lr: 1.0e-3{attacks}}}"
    ]


def _train(name: str, words: Sequence[str], args: argparse.Namespace, runs: Path) -> dict[str, Any]:
    """A run of the recipe alum_tiny: the facts of its stages `alum` and, where it has one, `score`.

    With dropout, as in larger networks: what the perturbation does is told from what dropout does.
    """
    if not args.text:
        raise SystemExit("this part trains a network: give --text TEXT, half a megabyte of English or more")
    base = [f"text={args.text}", "alum.masking.budget=0.15", f"roberta.steps={args.base_steps}"]
    base += [f"roberta.schedule.warmup_steps={args.base_steps // 10}"]
    base += [f"roberta.model.{kind}_dropout_prob=0.1" for kind in ("hidden", "attention_probs")]
    return facts("alum_tiny", [*base, *words, *args.settings, f"name={name}"], runs)


if __name__ == "__main__":
    main()
