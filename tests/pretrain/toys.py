"""A toy token set and toy settings, small enough to train on in a second."""

import random
from pathlib import Path
from typing import Any

import torch

from corpora.artefact import Artefact, Draft
from corpora.reporter import Quiet
from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.engine.config import configuration
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.export import how_to_open
from pretrain.networks.network import Model, Network, build
from pretrain.networks.pair import PairNetwork
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW, Optimizer
from pretrain.training.stage import Train, train
from tests.tokenization.making import SIZE, make_token_set, row
from tokenization.tokens import Row

NETWORK = {
    "type": "bert",
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LENGTH = 48
OBJECTIVES = Objectives.model_validate({"mlm": 1.0, "sop": 0.5}).active()


def toy_rows(count: int, seed: int) -> list[Row]:
    """Rows of random words; each fourth has one segment only."""
    dice = random.Random(seed)

    def segment() -> list[list[int]]:
        words = dice.randrange(2, 9)
        return [[dice.randrange(5, SIZE) for _ in range(dice.choice((1, 1, 2)))] for _ in range(words)]

    return [row(segment(), segment() if n % 4 else (), n) for n in range(count)]


def toy_data(folder: Path) -> Artefact:
    """A token set with 60 rows to train on and 12 held out."""
    return make_token_set(folder, toy_rows(60, 0), toy_rows(12, 1), length=LENGTH)


def toy_train(**changes: object) -> Train:
    """Settings for 12 steps, saved every 4."""
    settings: dict[str, object] = {
        "model": NETWORK,
        "objectives": {"mlm": 1.0, "sop": 0.5},
        "optimizer": {"name": "adamw", "lr": 1e-2},
        "schedule": {"name": "linear", "warmup_steps": 3 if "steps" not in changes else 0},
        "batch": 8,
        "steps": 12,
        "save_every": 4,
        "log_every": 3,
        "evaluate_every": 6,
        "seed": 5,
        "speed": {"micro_batch": 3},
    }
    return Train.model_validate(settings | changes)


def run(
    config: Train, data: Artefact, final: Path, reporter: Quiet | None = None, **inputs: Artefact
) -> Artefact:
    """Train into `final`, from scratch or from where a draft there stands, and commit."""
    draft = Draft.open(final, "checkpoint", "toy")
    report = train(config, {"data": data, **inputs}, draft, reporter or Quiet())
    return draft.commit(report)


def toy_network(seed: int = 0, pairs: bool = True, dropout: float = 0.0) -> Network:
    """A BERT of one layer."""
    settings = NETWORK | {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    return Network(build(Model.model_validate(settings), SIZE, 0, pairs, seed))


def toy_engine(
    network: Network | PairNetwork, zero: int = 0, clip: float = 1.0, optimizer: Optimizer | None = None
) -> Engine:
    """The engine around it, with AdamW unless told otherwise."""
    setup = configuration(zero, 4, clip, sum(one.numel() for one in network.parameters()), {})
    return Engine(Ranks.join(), network, (optimizer or AdamW(lr=1e-2)).build(network), setup, clip)


def toy_batch(rows: int, seed: int, masked: int = 5, width: int = 16) -> Batch:
    """Random ids, the last two rows padded, `masked` positions to predict over all rows."""
    dice = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, SIZE, (rows, width), generator=dice)
    real = torch.ones(rows, width, dtype=torch.bool)
    real[-2:, width // 2 :] = False
    places = torch.nonzero(real.flatten()).flatten()
    chosen = places[torch.randperm(len(places), generator=dice)[:masked]].sort().values
    segments = torch.zeros_like(ids)
    segments[:, width // 4 :] = 1
    pairs = torch.randint(0, 2, (rows,), generator=dice)
    pairs[0] = NO_PAIR
    return Batch(
        input_ids=ids.masked_fill(~real, 0),
        attention_mask=real,
        token_type_ids=segments,
        position_ids=torch.arange(width).masked_fill(~real, 0),
        masked_positions=chosen,
        masked_targets=torch.randint(5, SIZE, (masked,), generator=dice),
        pair_labels=pairs,
        samples=torch.arange(rows) + 100 * seed,
        noise=torch.randint(-(1 << 62), 1 << 62, (rows,), generator=dice),
    )


def toy_window(step: int, *batches: Batch) -> Window:
    """A window of these micro-batches, on one rank."""
    pairs = sum(int((batch.pair_labels != NO_PAIR).sum()) for batch in batches)
    masked = sum(len(batch.masked_targets) for batch in batches)
    return Window(step, batches, masked, pairs, sum(int(batch.attention_mask.sum()) for batch in batches))


def opened(export: Artefact) -> dict[str, Any]:
    """What the lines that tell how to open an export name."""
    names: dict[str, Any] = {}
    exec(how_to_open(export, export.path), names)
    return names
