"""One step of a bundle again, forward and backward: where is the first number that is none?

Micro-batches come in the order of training, of one process after the other, with the dropout of then, and the
noise and ascents of an adversary. Every module's input and output is looked at as it is computed, then the
gradients on their way back. Not so within ascents: where one is no number, the adversary's term is dropped.
(If that was on another process, it was dropped here, too; the replay keeps it.) The engine, its shards and
its collectives are left out: what only they do is not found here.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.adversarial import Pass, plain
from pretrain.batch import Batch, Window
from pretrain.engine.deepspeed import Ranks
from pretrain.micro_batch import Answers, MicroBatch
from pretrain.networks import weights
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.networks.perturbing import Shift
from pretrain.objectives.terms import Outputs
from pretrain.step import seed_dropout
from pretrain.training import bundle
from pretrain.training.equipment import open_embeddings, wrapped
from pretrain.training.material import open_loader
from pretrain.training.settings import Train


@dataclass(frozen=True)
class Finding:
    """The first number that is none."""

    where: str  # "output of bert.encoder.layer.3.output.dense", and whether embeddings were moved
    rows: tuple[int, ...] = ()  # of the token set, that it concerns; (): it cannot be told
    rank: int | None = None  # whose micro-batch it was; None: it lies in the weights
    micro_batch: int = 0  # counted from 1


def replay(folder: Path, step: int | None = None) -> tuple[bundle.Bundle, int, Finding | None]:
    """The bundle in `folder`, the step that was taken again (its first by default), and what was found.

    Raises:
        UsageError: the bundle holds no such step, or `folder` holds no bundle.
    """
    kept = bundle.read(folder)
    number = kept.steps[0] if step is None else step
    if number not in kept.steps:
        raise UsageError(f"{folder} holds steps {', '.join(map(str, kept.steps))}, not {number}")
    config = Train.model_validate(dict(kept.settings))
    inputs = {role: Artefact.open(Path(place)) for role, place in kept.inputs.items()}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = wrapped(config, weights.load(folder)).to(device).train()
    if bad := [name for name, tensor in network.named_parameters() if not _finite(tensor)]:
        return kept, number, Finding(f"weights before the step, {bad[0]}")
    loader = open_loader(config, inputs, "train")
    open_embeddings(config, network, loader.tokens)
    for rank in range(kept.world):
        window = loader.window(number - 1, rank, kept.world, kept.micro_batch)
        bare = Bare(network, Ranks(rank, kept.world, device), kept.loss_scale)
        if found := _first(bare, window, config):
            return kept, number, replace(found, rank=rank)
    return kept, number, _in_sum(network)


@dataclass
class Bare:
    """A network without an engine, which is looked at in the passes that are learnt from."""

    network: Network | PairNetwork
    ranks: Ranks
    loss_scale: float
    findings: list[Finding] = field(default_factory=list)

    def __call__(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """A pass that is learnt from."""
        moved = shift is not None and shift.delta is not None
        with _watching(self.network, batch, self.findings, " with embeddings moved" if moved else ""):
            return self.aside(batch, shift)

    def aside(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """One that is not."""
        outputs: Outputs = self.network(batch, shift)
        return outputs

    def anywhere(self, flag: Tensor) -> Tensor:
        """The flag of this process."""
        return flag


def _first(bare: Bare, window: Window, config: Train) -> Finding | None:
    """In one process's share of a step."""
    objectives, adversary, seed = config.objectives.active(), config.adversarial, config.seed or 0
    if adversary and not adversary.due(window.step):
        adversary = None
    for number, batch in enumerate(window.batches, start=1):
        masks = seed_dropout(seed, window.step, number, bare.ranks)
        moved = batch.to(bare.ranks.device)
        attack = MicroBatch(bare, moved, window, objectives, adversary, (seed, masks))
        for part in adversary.passes(attack) if adversary else plain(attack):
            _judge(bare, window, part)
            if bare.findings:
                return replace(bare.findings[0], micro_batch=number)
    return None


def _judge(bare: Bare, window: Window, part: Pass[Answers]) -> None:
    """Look at the losses of a pass, then differentiate."""
    findings, loss = bare.findings, torch.zeros((), device=part.loss.device)
    for name, objective in part.said.objectives.items():
        loss = loss + objective.weight * part.said.terms[name].loss / max(objective.count(window), 1)
        if not findings and not _finite(loss):
            findings.append(Finding(f"loss of {name}, weighted"))
    if not findings and not _finite(part.loss):
        findings.append(Finding("loss with the adversary's term"))
    if not findings:
        (part.loss * bare.loss_scale).backward()  # type: ignore[no-untyped-call]


def _in_sum(network: Network | PairNetwork) -> Finding | None:
    """Of gradients that are each finite: their sum over micro-batches, or the norm of it all."""
    named = [(name, tensor.grad) for name, tensor in network.named_parameters() if tensor.grad is not None]
    for name, gradient in named:
        if not _finite(gradient):
            return Finding(f"sum of the gradients of {name} over the micro-batches")
    norm = torch.nn.utils.get_total_norm([gradient for _, gradient in named])
    return None if _finite(norm) else Finding("norm of the whole gradient, each part of which is finite")


@contextmanager
def _watching(
    network: Network | PairNetwork, batch: Batch, findings: list[Finding], of: str
) -> Iterator[None]:
    """Inside, a pass adds what is not finite, if it is the first; so does its backward pass later on."""

    def look(where: str, tensor: Tensor) -> None:
        if not findings and not _finite(tensor):
            findings.append(Finding(where + of, _rows(tensor, batch)))

    def before(name: str, module: nn.Module, given: tuple[Any, ...]) -> None:
        for tensor in _tensors(given):
            look(f"input of {name}", tensor)

    def after(name: str, module: nn.Module, given: tuple[Any, ...], output: object) -> None:
        for tensor in _tensors(output):
            look(f"output of {name}", tensor)
            if tensor.requires_grad:
                where = f"gradient at the output of {name}"
                tensor.register_hook(partial(look, where))  # type: ignore[no-untyped-call]

    with ExitStack() as stack:
        for name, module in network.model.named_modules():
            if name:
                stack.callback(module.register_forward_pre_hook(partial(before, name)).remove)
                stack.callback(module.register_forward_hook(partial(after, name)).remove)
        yield


def _tensors(value: object) -> Iterator[Tensor]:
    """The tensors of numbers with a point in what a module is given or gives."""
    if isinstance(value, Tensor) and value.is_floating_point():
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.isfinite().all())


def _rows(tensor: Tensor, batch: Batch) -> tuple[int, ...]:
    """The rows that hold what is not finite, where the first axis tells (rows, tokens or positions asked)."""
    rows, length = batch.input_ids.shape
    of = {
        rows: torch.arange(rows),
        rows * length: torch.arange(rows * length) // length,
        int(batch.attention_mask.sum()): batch.attention_mask.nonzero()[:, 0].cpu(),  # end to end
        len(batch.masked_positions): batch.masked_positions.cpu() // length,
    }
    values = tensor.detach().flatten(0, 1) if tensor.ndim > 2 and tensor.shape[0] == 1 else tensor.detach()
    first = values.shape[0] if values.ndim else 0
    if first not in of:
        return ()
    bad = ~values.isfinite().flatten(1).all(1) if values.ndim > 1 else ~values.isfinite()
    return tuple(batch.samples.cpu()[sorted(set(of[first][bad.cpu()].tolist()))].tolist())
