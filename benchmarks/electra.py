"""ELECTRA: what its step costs beside our step of masked language modelling, and what it is worth.

step      processor seconds of a training step (on a GPU: seconds on the wall) of a generator and a
          discriminator, over those of our masked-LM step with a network of the discriminator's size, on the
          same rows and masks, in turn; and the same ratio by formula (`pretrain.networks.flops`).
quality   the recipe electra_tiny, and masked language modelling with the same network for as much compute
          (by the measured ratio of their steps): fine-tuned accuracy on the reviews with several seeds, each
          of which is one of pre-training and of fine-tuning.

    python -m benchmarks.electra step [--rounds 8] [--networks 6x256/0.25 4x512/0.3333]
    python -m benchmarks.electra quality [--steps 1500] [--seeds 0 1 2] [--recipe electra_tiny] [KEY=VALUE]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch

from benchmarks.pairing import in_turn, keep, machine, seconds, spread
from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.engine.config import configuration
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.networks.architectures import network_class
from pretrain.networks.flops import Flops
from pretrain.networks.generators import Generator, configure
from pretrain.networks.network import Model, Network, build
from pretrain.networks.pair import PairNetwork
from pretrain.networks.towers import Discriminator, Towers, adopt
from pretrain.objectives import Objectives
from pretrain.objectives.electra import Electra
from pretrain.optimizers import BertAdam
from pretrain.recipe import load
from pretrain.step import train_step
from pretrain.training.settings import Train

RESULTS = Path(__file__).parent / "results" / "electra.json"
VOCABULARY, MASKED, MASK = 21_128, 0.15, 4
GPU = torch.cuda.is_available()
TOKENS = 32_768 if GPU else 2048  # of a step, in one micro-batch
MLM, BOTH = (Objectives.model_validate(one).active() for one in ({"mlm": 1.0}, {"mlm": 1.0, "electra": 50}))
PLAIN = (
    "train.objectives={mlm: 1.0, sop: null, electra: null}",
    "train.generator=null",
    "train.replacement=bert",
)
"""The same recipe without a discriminator: 80/10/10, no other difference."""


def main() -> int:
    """Measure, print, and write the results beside those of the other part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("step", "quality"))
    parser.add_argument("--rounds", type=int, default=20 if GPU else 8)
    parser.add_argument(
        "--networks", nargs="+", default=["12x768/0.3333"] if GPU else ["6x256/0.25", "4x512/0.3333"]
    )
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--recipe", default="electra_tiny")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args, overrides = parser.parse_known_args()
    if args.part == "step":
        found: Any = {name: _steps(_shape(name), args.length, args.rounds, name) for name in args.networks}
    else:
        found = _quality(args.recipe, overrides, args.steps, args.seeds, args.rounds)
    before = json.loads(args.results.read_text("utf-8")) if args.results.exists() else {}
    card = {"gpu": torch.cuda.get_device_name()} if GPU else {}
    where = {**machine("deepspeed", "torch", "transformers"), **card}
    load_now = [round(each, 1) for each in os.getloadavg()]
    keep(args.results, before | {args.part: {"machine": where, "load": load_now, "found": found}})
    return 0


# --- step --------------------------------------------------------------------------------------------------


def _shape(name: str) -> tuple[Model, Generator]:
    """`LAYERSxHIDDEN/WIDTH` of the generator."""
    sizes, width = name.split("/")
    layers, hidden = map(int, sizes.split("x"))
    model = {
        **{"type": "electra", "num_hidden_layers": layers, "hidden_size": hidden, "embedding_size": hidden},
        **{"num_attention_heads": hidden // 64, "intermediate_size": 4 * hidden},
    }
    return Model.model_validate(model), Generator(width=float(width))


def _steps(shape: tuple[Model, Generator], length: int, rounds: int, name: str) -> dict[str, Any]:
    """Seconds of both steps, and their ratio."""
    model, settings = shape
    plain = build(model, VOCABULARY, 0, pairs=False, seed=0)
    pair = _pair(build(model, VOCABULARY, 0, pairs=False, seed=0).base_model, settings)
    precision = "bf16" if GPU else "fp32"
    ways = {
        "mlm": _stepping(Network(plain, precision), MLM, length),
        "electra": _stepping(PairNetwork(pair, Electra(), precision), BOTH, length),
    }
    for way in ways.values():
        way()  # memory is fetched, kernels are chosen
    taken = in_turn({key: partial(_clock, way) for key, way in ways.items()}, rounds)
    rows = TOKENS // length
    formula = [Flops.of(one).total(TOKENS, TOKENS * MASKED, rows) for one in (pair, plain)]
    found = {
        "seconds": {key: spread(each) for key, each in taken.items()},
        "times_mlm": spread([a / b for a, b in zip(taken["electra"], taken["mlm"], strict=True)]),
        "times_mlm_by_formula": round(formula[0] / formula[1], 3),
    }
    by_formula, ratio = found["times_mlm_by_formula"], found["times_mlm"]["median"]  # type: ignore[index]
    print(f"{name}, {length} tokens: {ratio:.2f} x the masked-LM step ({by_formula} by formula)")
    return found


def _pair(encoder: Any, settings: Generator) -> Towers:  # noqa: ANN401 - a model of `transformers`
    discriminator = Discriminator(encoder)
    config = configure(settings, encoder.config)
    generator = network_class(config.model_type, pairs=False)(config)
    adopt(generator, discriminator)
    return Towers(generator, discriminator, settings.sharing)


def _stepping(network: Network | PairNetwork, objectives: Any, length: int) -> Callable[[], None]:  # noqa: ANN401
    """One training step after the other, each on rows of its own."""
    setup = configuration(0, TOKENS // length, 1.0, sum(one.numel() for one in network.parameters()), {})
    engine = Engine(Ranks.join(), network, BertAdam(lr=1e-4).build(network), setup, 1.0)
    network.train()
    numbers = count()

    def step() -> None:
        train_step(engine, _window(next(numbers), length), objectives, 1e-4, 0)

    return step


def _window(step: int, length: int) -> Window:
    """Full rows of random tokens, a share of them masked."""
    dice = torch.Generator().manual_seed(step)
    rows = TOKENS // length
    ids = torch.randint(5, VOCABULARY, (rows, length), generator=dice)
    masked = torch.rand(rows * length, generator=dice) < MASKED
    places = masked.nonzero().squeeze(1)
    batch = Batch(
        input_ids=ids.flatten().masked_fill(masked, MASK).view(rows, length),
        attention_mask=torch.ones(rows, length, dtype=torch.bool),
        token_type_ids=torch.zeros(rows, length, dtype=torch.int64),
        position_ids=torch.arange(length).expand(rows, length).contiguous(),
        masked_positions=places,
        masked_targets=ids.flatten()[places],
        pair_labels=torch.full((rows,), NO_PAIR),
        samples=torch.arange(rows),
        noise=torch.randint(-(1 << 62), 1 << 62, (rows,), generator=dice),
    )
    return Window(step, (batch,), len(places), 0, rows * length)


def _clock(way: Callable[[], None]) -> float:
    if not GPU:
        return seconds(way)
    torch.cuda.synchronize()
    begin = time.perf_counter()
    way()
    torch.cuda.synchronize()
    return time.perf_counter() - begin


# --- quality -----------------------------------------------------------------------------------------------


def _quality(
    recipe: str, overrides: Sequence[str], steps: int, seeds: Sequence[int], rounds: int
) -> dict[str, Any]:
    """Accuracy after equal compute, seed by seed."""
    stage = load(recipe, overrides).stages["train"]
    if not isinstance(stage, Train) or stage.model is None:
        raise SystemExit(f"{recipe} has no stage `train` with a network from scratch")
    measured = _steps((stage.model, stage.generator or Generator()), 128, rounds, recipe)
    ratio = measured["times_mlm"]["median"]
    arms = {"electra": (steps, ()), "mlm": (round(steps * ratio), PLAIN)}
    with tempfile.TemporaryDirectory() as runs:
        scores = {
            arm: [_accuracy(recipe, [*overrides, *words], some, seed, Path(runs), arm) for seed in seeds]
            for arm, (some, words) in arms.items()
        }
    apart = [one - other for one, other in zip(scores["electra"], scores["mlm"], strict=True)]
    found = {
        "recipe": recipe,
        "overrides": list(overrides),
        "times_mlm": measured,
        "steps": {arm: some for arm, (some, _) in arms.items()},
        "accuracy": {arm: {"seeds": each, **_moments(each)} for arm, each in scores.items()},
        "electra_less_mlm": {"seeds": apart, **_moments(apart)},
    }
    for name, each in (*scores.items(), ("electra less mlm", apart)):
        told = _moments(each)
        print(f"{name:18} {told['mean']:.4f}, standard deviation {told['deviation']:.4f}")
    return found


def _accuracy(recipe: str, words: Sequence[str], steps: int, seed: int, runs: Path, arm: str) -> float:
    """Train and fine-tune with one seed; the accuracy on the rows held out."""
    name, before = f"{arm}-{seed}", {*runs.glob(".store/score-*")}
    own = [f"name={name}", f"seed={seed}", f"train.steps={steps}"]
    own += [f"score.seeds=[{seed}]", "score.beside=[]", "--runs", str(runs)]
    command = [sys.executable, "-m", "pretrain.run", recipe, *words, *own]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (made,) = {*runs.glob(".store/score-*")} - before
    found = json.loads((made / "scores.json").read_text("utf-8"))
    print(f"{name}: {json.dumps(found)}", flush=True)
    return float(found["pretrained"]["accuracy"]["mean"])


def _moments(values: Sequence[float]) -> Mapping[str, float]:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return {"mean": round(statistics.mean(values), 5), "deviation": round(deviation, 5)}


if __name__ == "__main__":
    sys.exit(main())
