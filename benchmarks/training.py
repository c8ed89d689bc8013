"""Training: ours beside the Hugging Face `Trainer` with `BertForMaskedLM` and its collator.

The same rows in the same order, the same first weights, AdamW, batch and micro-batch. Two networks (layers x
hidden: 6 x 256, 4 x 512; vocabulary 21,128), rows of at most 128 and 512 tokens, in two forms: `packed` rows
are full, `true length` rows are documents on their own. Each run is a process (`benchmarks.training_run`);
the two take turns, and ratios are taken within a round.

tokens        real tokens a processor second, from the third step on, data preparation included
first step    seconds from the start of the process to the end of the first step, imports included
memory        most bytes held by the process; on a GPU, of the device
save          by how much a step is longer that saves all it takes to go on, in seconds on the wall
weights       the largest difference to a plain PyTorch loop after 20 steps with the same masks, in float32

With a GPU: BERT-base, bf16, `torch.compile` on both sides, tokens a second on the wall; and of ours the share
of the measured matrix peak, and of the time that is spent waiting for data.

    python -m benchmarks.training [--steps 8] [--rounds 3] [--networks 6x256 4x512] [--lengths 128 512]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.pairing import in_turn, keep, machine, ratios, spread
from benchmarks.training_run import Job

RESULTS = Path(__file__).parent / "results" / "training.json"
PACKAGES = ("accelerate", "deepspeed", "numpy", "torch", "transformers")
FORMS = {"packed": "full_sentences", "true length": "doc_sentences"}
VOCABULARY = 21_128
WARM = 2  # steps that are not counted
TOKENS_A_STEP = {"cpu": 2048, "cuda": 32768}  # positions of a batch


def main() -> int:
    """Measure, print, and write the results; 1 if the weights are not those of the plain loop."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=60 if gpu else 8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=["12x768"] if gpu else ["6x256", "4x512"])
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 512])
    parser.add_argument("--results", type=Path, default=RESULTS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        jobs = list(_jobs(Path(name), args.networks, args.lengths, args.steps))
        measured = {job.name: _compare(job, args.rounds) for job in jobs}
        apart = _weights_apart(jobs[-1])
    report = {
        "machine": _where(gpu),
        "load": [round(each, 1) for each in os.getloadavg()],
        "steps": args.steps,
        "runs": measured,
        "weights_apart_after_20_steps": apart,
    }
    keep(args.results, report)
    print(f"largest difference to a plain loop after 20 steps: {apart:.1e}")
    return 0 if apart <= 1e-5 else 1


def _where(gpu: bool) -> dict[str, Any]:
    card = {"gpu": torch.cuda.get_device_name()} if gpu else {}
    return {**machine(*PACKAGES), **card}


def _jobs(folder: Path, networks: Sequence[str], lengths: Sequence[int], steps: int) -> Sequence[Job]:
    """What is to be measured, with its rows and first weights made."""
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    sets = {(form, length): _encode(folder, form, length) for form in FORMS for length in lengths}
    return [
        Job(
            name=f"{network}, {length} tokens, {form}",
            network=str(_network(folder, network, max(lengths))),
            tokens=str(tokens),
            batch=TOKENS_A_STEP[device] // length,
            micro_batch=TOKENS_A_STEP[device] // length,
            steps=steps,
            save_at=steps - 2,
            precision="bf16" if gpu else "fp32",
            compile=gpu,
        )
        for network in networks
        for (form, length), tokens in sets.items()
    ]


def _encode(folder: Path, form: str, length: int) -> Path:
    """A token set of reviews and newspaper, made by the recipe macbert_tiny up to there."""
    place = folder / f"{FORMS[form]}-{length}"
    words = [f"tokens.packing={{kind: {FORMS[form]}, length: {length}}}", "shards.validation=0.0"]
    words += ["train.objectives={mlm: 1.0}", f"train.model.max_position_embeddings={length}"]
    command = [
        sys.executable,
        "-m",
        "pretrain.run",
        "macbert_tiny",
        "--runs",
        str(place),
        "--until",
        "tokens",
    ]
    subprocess.run([*command, *words], check=True, stdout=subprocess.DEVNULL)
    (tokens,) = (path for path in place.glob(".store/tokens-*") if path.is_dir())
    return tokens


def _network(folder: Path, name: str, length: int) -> Path:
    """A folder with fresh weights: no dropout, so that both sides compute the same, and no tokenizer."""
    from transformers import BertConfig, BertForMaskedLM

    place = folder / name
    if not place.exists():
        layers, hidden = map(int, name.split("x"))
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // 64,
            intermediate_size=4 * hidden,
            max_position_embeddings=length,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        BertForMaskedLM(config).save_pretrained(place)
    return place


def _run(side: str, job: Job) -> dict[str, Any]:
    """One run in a process of its own."""
    threads = {} if torch.cuda.is_available() else {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training_run", side]
    command += [json.dumps(asdict(job)), str(time.time())]
    quiet = {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", **threads}
    done = subprocess.run(command, env={**os.environ, **quiet}, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout, done.stderr)
        done.check_returncode()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _compare(job: Job, rounds: int) -> dict[str, Any]:
    """Both sides in turn, `rounds` times."""
    found = in_turn({side: partial(_run, side, job) for side in ("ours", "trainer")}, rounds)
    speeds = {side: [_speed(job, run) for run in runs] for side, runs in found.items()}
    row: dict[str, Any] = {"tokens_per_second": {side: spread(each) for side, each in speeds.items()}}
    row["times_trainer"] = ratios(
        {side: [1 / each for each in them] for side, them in speeds.items()}, "trainer", "ours"
    )
    for key in ("first_step_seconds", "first_step_processor_seconds", "peak_bytes", "save_seconds"):
        row[key] = {side: spread([run[key] for run in runs]) for side, runs in found.items()}
    ours = found["ours"]
    row |= {
        key: spread([run[key] for run in ours])
        for key in ("share_of_peak", "loader_wait_share")
        if key in ours[0]
    }
    print(_line(job, row), flush=True)
    return row


def _speed(job: Job, run: Mapping[str, Any]) -> float:
    """Real tokens a second, of the steps behind the first ones, the one that saves left out."""
    kept = [step for step in range(WARM, job.steps - 1) if step != job.save_at - 1]
    clock = "wall" if torch.cuda.is_available() else "processor"
    return float(sum(run["tokens"][step] for step in kept) / sum(run[clock][step] for step in kept))


def _line(job: Job, row: Mapping[str, Any]) -> str:
    """The figures that matter most."""

    def both(key: str, scale: float = 1.0) -> str:
        return " / ".join(f"{row[key][side]['median'] / scale:,.3g}" for side in ("ours", "trainer"))

    return (
        f"{job.name:28} {both('tokens_per_second')} tokens/s = {row['times_trainer']['median']:.2f} x   "
        f"first step {both('first_step_seconds')} s   {both('peak_bytes', 1e9)} GB   "
        f"save {both('save_seconds')} s"
    )


def _weights_apart(job: Job) -> float:
    """The largest difference of a weight to a plain loop after 20 steps: float32, in micro-batches of 2."""
    small = replace(job, steps=20, batch=6, micro_batch=2, precision="fp32", compile=False, save_at=0)
    return float(_run("plain", small)["apart"])


if __name__ == "__main__":
    sys.exit(main())
