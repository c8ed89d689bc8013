"""The heads of a network that goes on: measured before the first step, trained alone if they know nothing.

Many published encoders have no masked-LM head, and some have one that was never trained. Its first thousands
of steps would go through the encoder and spoil what that has learnt. So the encoder stays frozen until the
head says what it can: only the head's own weights learn, not the word table that is tied to it.

All of it comes before the first step and depends on the recipe alone: its rows and masks are drawn under a
seed of its own, so none of a step's are used up. A run that is killed meanwhile does it again, to the same
weights.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, parameters_to_vector, vector_to_parameters

from corpora.errors import Interrupted
from corpora.reporter import Reporter
from pretrain.batch import NO_PAIR, Batch, Window
from pretrain.engine.deepspeed import Ranks
from pretrain.loading import Loader
from pretrain.networks.architectures import HuggingFaceModel, head_parameters
from pretrain.networks.network import Network
from pretrain.objectives import Objective
from pretrain.objectives.terms import Outputs
from pretrain.randomness import torch_seed

Row: TypeAlias = dict[str, int | float]  # of the log

ROWS = 256  # of a step, and to measure on, at most: a head is small
AT_ONCE = 32  # rows of a micro-batch, at most
MOST, ROUND = 1000, 50  # steps in all, and between two measurements
RISE, IN_VAIN = 0.002, 3  # share of right answers a round must gain; rounds in a row that may not
LEARNING_RATE, BETAS = 1e-3, (0.9, 0.98)  # one layer on fixed features takes larger steps than an encoder
CLIP = 1.0


@dataclass(frozen=True)
class Heads:
    """A network that goes on, and the rows that its heads are measured on and learn from."""

    network: Network
    objectives: Mapping[str, Objective]
    ranks: Ranks
    learning: Loader
    measuring: Loader  # of held-out rows, or of those to learn from where none are held out
    micro_batch: int  # rows

    @torch.no_grad()
    def measure(self, step: int) -> Row:
        """Share of right answers by objective, and that of the most frequent answer, after so many steps."""
        lots = self.measuring.held_out(ROWS, self.micro_batch)[self.ranks.number :: self.ranks.world]
        vocabulary = self.network.model.config.vocab_size
        sums = torch.zeros(len(self.objectives), 1 + vocabulary, dtype=torch.int64, device=self.ranks.device)
        for batch in (self.measuring.examined(lot)[0].to(self.ranks.device) for lot in lots):
            outputs = self.network(batch)
            for line, (name, objective) in zip(sums, self.objectives.items(), strict=True):
                line[0] += objective.term(outputs, batch).hits
                line[1:] += torch.bincount(_answers(name, batch), minlength=vocabulary)
        row: Row = {"step": 0, "head_warmup_step": step}
        for name, line in zip(self.objectives, self.ranks.total(sums), strict=True):
            asked = max(int(line[1:].sum()), 1)
            row[f"head_{name}_accuracy"] = int(line[0]) / asked
            row[f"head_{name}_baseline"] = int(line[1:].max()) / asked
        return row

    def windows(self, seed: int, steps: int) -> Generator[Window, None, None]:
        """Rows to learn from, in an order and under masks that no training step has."""
        batch = max(min(self.learning.batch, ROWS), self.ranks.world)
        own = torch_seed(seed, "head warm-up", 0)
        loader = replace(self.learning, seed=own, data_seed=own, batch=batch)
        yield from loader.windows(range(steps), self.ranks.number, self.ranks.world, self.micro_batch)


def warm_up(heads: Heads, steps: int, choose: bool, seed: int, reporter: Reporter) -> list[Row]:
    """Measure all heads, train those that are to be, and give the lines that the log gets of it.

    To `choose` is to train only the heads that say no more than the most frequent answer would, until they no
    longer get better, for so many steps at most; otherwise all of them are, for so many steps.

    The reporters of ranks other than 0 are silent.

    Raises:
        Interrupted: a signal came; nothing is saved yet.
    """
    training = heads.network.training
    heads.network.to(heads.ranks.device).eval()  # without dropout: the same features each time
    reporter.rewind(-1)
    rows = [heads.measure(0)]
    asked = heads.objectives
    if choose:
        asked = {name: objective for name, objective in asked.items() if _knows_nothing(rows[0], name)}
    told = "; ".join(_told(rows[0], name) for name in asked or heads.objectives)
    reporter.metrics(rows[0])
    reporter.say(f"heads before the first step: {told}")
    if asked:
        reporter.say(f"the head for {' and '.join(asked)} is trained first, the encoder frozen")
        rows += _train(heads, asked, steps, choose, seed, reporter)
        after = "; ".join(_told(rows[-1], name) for name in asked)
        reporter.say(f"after {rows[-1]['head_warmup_step']} steps: {after}; now all weights learn")
    heads.network.train(training)
    return rows


def _knows_nothing(row: Row, name: str) -> bool:
    return row[f"head_{name}_accuracy"] <= row[f"head_{name}_baseline"]


def _told(row: Row, name: str) -> str:
    accuracy, baseline = row[f"head_{name}_accuracy"], row[f"head_{name}_baseline"]
    return f"{name} {accuracy:.1%} right (the most frequent answer: {baseline:.1%})"


def _train(
    heads: Heads,
    asked: Mapping[str, Objective],
    steps: int,
    choose: bool,
    seed: int,
    reporter: Reporter,
) -> list[Row]:
    """Step after step on the heads alone, with a measurement after each round."""
    rows, bar = list[Row](), iter(reporter.track(range(steps), "training the head", steps, "steps"))
    with _frozen(heads.network.model) as free, closing(heads.windows(seed, steps)) as windows:
        optimizer = torch.optim.AdamW(free, LEARNING_RATE, BETAS, weight_decay=0.0)
        for done, window in enumerate(windows, start=1):
            with suppress(StopIteration, Interrupted):
                next(bar)
            _stop_together(heads.ranks, reporter)
            _learn(heads, window, asked, free, optimizer)
            if done % ROUND == 0 or done == steps:
                rows.append(heads.measure(done))
                reporter.metrics(rows[-1])
                if choose and _in_vain(rows, asked):
                    break
    return rows


def _stop_together(ranks: Ranks, reporter: Reporter) -> None:
    if ranks.any(reporter.stopping):
        raise Interrupted(
            "stopped while the head was trained, before the first step: the same command does it again"
        )


def _in_vain(rows: Sequence[Row], asked: Mapping[str, Objective]) -> bool:
    """Whether the last rounds gained next to nothing over the best one before them."""
    scores = [sum(row[f"head_{name}_accuracy"] for name in asked) / len(asked) for row in rows]
    return len(scores) > IN_VAIN and max(scores[-IN_VAIN:]) < max(scores[:-IN_VAIN]) + RISE


@contextmanager
def _frozen(model: HuggingFaceModel) -> Iterator[list[nn.Parameter]]:
    """Inside, only the weights given back learn: those of the heads. No pass keeps anything of the others."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    heads = {id(parameter) for parameter in head_parameters(model)}
    free = [parameter for parameter in learning if id(parameter) in heads]
    rest = [parameter for parameter in learning if id(parameter) not in heads]
    try:
        for parameter in rest:
            parameter.requires_grad_(False)
        yield free
    finally:
        for parameter in rest:
            parameter.requires_grad_(True)
        for parameter in free:
            parameter.grad = None


def _learn(
    heads: Heads,
    window: Window,
    asked: Mapping[str, Objective],
    free: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> None:
    """One step. A head of an objective that was not asked gets no gradient, and stays as it is."""
    counts = {name: objective.count(window) for name, objective in asked.items()}
    if not any(counts.values()):
        return
    for batch in (batch.to(heads.ranks.device) for batch in window.batches):
        outputs = heads.network(batch)
        _loss(outputs, batch, asked, counts).backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in free if parameter.grad is not None]
    vector_to_parameters(heads.ranks.total(parameters_to_vector(gradients)), gradients)
    if torch.isfinite(clip_grad_norm_(free, CLIP)):
        optimizer.step()
    optimizer.zero_grad()


def _loss(
    outputs: Outputs, batch: Batch, asked: Mapping[str, Objective], counts: Mapping[str, int]
) -> Tensor:
    """This micro-batch's share of the window's loss."""
    terms = [
        objective.weight * objective.term(outputs, batch).loss / max(counts[name], 1)
        for name, objective in asked.items()
    ]
    return torch.stack(terms).sum()


def _answers(name: str, batch: Batch) -> Tensor:
    """What was right: ids of tokens, (masked,), or labels of pairs."""
    return batch.masked_targets if name == "mlm" else batch.pair_labels[batch.pair_labels != NO_PAIR]
