"""ELECTRA: what its step costs beside our step of masked language modelling, and what it is worth.

step      processor seconds of a training step (on a GPU: seconds on the wall) of a generator and a
          discriminator, over those of our masked-LM step with a network of the discriminator's size, on the
          same rows and masks, in turn; and the same ratio by formula (`pretrain.networks.flops`).
quality   a smaller macbert_mini (reviews and newspaper) as a generator and a discriminator, and the same
          network by masked language modelling for as much compute (by the measured ratio of their steps):
          fine-tuned accuracy on reviews and on parts of speech, several seeds of pre-training

    python -m benchmarks.electra step [--rounds 8] [--networks 6x256/0.25 4x512/0.3333]
    python -m benchmarks.electra quality [--steps 1500] [--seeds 0 1 2] [--runs FOLDER] [KEY=VALUE]

With --runs, what was killed goes on from there when it is given again (with --ratio: at the same length).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count, product
from pathlib import Path
from typing import Any

import torch

from benchmarks.pairing import in_turn, keep, machine, seconds, spread
from benchmarks.recipes import apart, facts
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
SMALL = (
    "words=null",
    "train.model={type: modernbert, hidden_size: 128, num_hidden_layers: 2, num_attention_heads: 2, "
    "intermediate_size: 256, classifier_pooling: mean}",
    "train.masking={strategy: whole_word, budget: 0.15}",
)
PAIR = (
    "train.replacement=electra",
    "train.generator={width: 1.0, depth: 0.5}",
    "train.objectives={mlm: 1.0, sop: null, electra: 50}",
)
PLAIN = ("train.replacement=bert",)


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
    parser.add_argument("--ratio", type=float, help="cost of a step in masked-LM steps; left out: measured")
    parser.add_argument("--recipe", default="macbert_mini")
    parser.add_argument("--runs", type=Path, help="keep the runs in this folder; left out: a temporary one")
    parser.add_argument("--results", type=Path, default=RESULTS)
    args, overrides = parser.parse_known_args()
    if args.part == "step":
        found: Any = {name: _steps(_shape(name), args.length, args.rounds, name) for name in args.networks}
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = _quality(args, overrides, args.runs or Path(folder))
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


def _quality(args: argparse.Namespace, overrides: Sequence[str], runs: Path) -> dict[str, Any]:
    """Scores after equal compute, seed by seed; each is the mean over the recipe's own fine-tuning seeds."""
    base = [*SMALL, *overrides]
    stage = load(args.recipe, [*base, *PAIR]).stages["train"]
    if not isinstance(stage, Train) or stage.model is None or stage.generator is None:
        raise SystemExit(f"{args.recipe} has no stage `train` with a network from scratch")
    measured = _steps((stage.model, stage.generator), args.length, args.rounds, args.recipe)
    ratio = args.ratio or measured["times_mlm"]["median"]
    arms = {"electra": (args.steps, PAIR), "mlm": (round(args.steps * ratio), PLAIN)}
    found: dict[str, dict[str, dict[str, float]]] = {arm: {} for arm in (*arms, "random")}
    for seed, (arm, (steps, words)) in product(args.seeds, arms.items()):
        own = [f"name={arm}-{seed}", f"seed={seed}", f"train.steps={steps}"]
        made = facts(args.recipe, [*base, *words, *own], runs)
        found[arm][str(seed)] = _scores(made, "pretrained")
        if arm == "mlm":
            found["random"][str(seed)] = _scores(made, "random_init")
        print(f"{arm}, seed {seed}: {found[arm][str(seed)]}", flush=True)
    against = {f"electra less {arm}": apart(found["electra"], found[arm]) for arm in ("mlm", "random")}
    for name, each in against.items():
        told = (f"{what} {it['mean']:+.4f} +- {it['deviation']:.4f}" for what, it in each.items())
        print(f"{name}: {', '.join(told)}")
    steps_taken = {arm: steps for arm, (steps, _) in arms.items()}
    settings = {"recipe": args.recipe, "overrides": base, "electra": PAIR, "mlm": PLAIN}
    return {**settings, "times_mlm": measured, "steps": steps_taken, "accuracy": found} | against


def _scores(made: Mapping[str, Mapping[str, Any]], which: str) -> dict[str, float]:
    """By stage that fine-tunes: the mean accuracy on rows held out."""
    scores = {stage: it["scores"].get(which) for stage, it in made.items() if "scores" in it}
    return {stage: each["accuracy"]["mean"] for stage, each in scores.items() if each}


if __name__ == "__main__":
    sys.exit(main())
