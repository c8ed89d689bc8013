"""One step of a bundle again, forward and backward: where is the first number that is none?

Micro-batches come in the order of training, of one process after the other, with the dropout of then. Every
module's input and output is looked at as it is computed, then the gradients on their way back. The engine,
its shards and its collectives are left out: what only they do is not found here.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.batch import Batch, Window
from pretrain.engine.deepspeed import Ranks
from pretrain.networks import weights
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.objectives import Objective
from pretrain.step import seed_dropout
from pretrain.training import bundle
from pretrain.training.equipment import wrapped
from pretrain.training.material import open_loader
from pretrain.training.settings import Train


@dataclass(frozen=True)
class Finding:
    """The first number that is none."""

    where: str  # "output of bert.encoder.layer.3.output.dense"
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
    loader, objectives = open_loader(config, inputs, "train"), config.objectives.active()
    for rank in range(kept.world):
        window = loader.window(number - 1, rank, kept.world, kept.micro_batch)
        ranks = Ranks(rank, kept.world, device)
        if found := _first(network, window, objectives, ranks, config.seed or 0):
            return kept, number, replace(found, rank=rank)
    return kept, number, _in_sum(network)


def _first(
    network: Network | PairNetwork,
    window: Window,
    objectives: Mapping[str, Objective],
    ranks: Ranks,
    seed: int,
) -> Finding | None:
    """In one process's share of a step."""
    for number, batch in enumerate(window.batches, start=1):
        seed_dropout(seed, window.step, number, ranks)
        moved = batch.to(ranks.device)
        if found := _in_batch(network, window, moved, objectives):
            return replace(found, micro_batch=number)
    return None


def _in_batch(
    network: Network | PairNetwork, window: Window, batch: Batch, objectives: Mapping[str, Objective]
) -> Finding | None:
    with _watching(network, batch) as findings:
        outputs = network(batch)
        loss = torch.zeros((), device=batch.input_ids.device)
        for name, objective in objectives.items():
            term, count = objective.term(outputs, batch), objective.count(window)
            loss = loss + objective.weight * term.loss / max(count, 1)
            if not findings and not _finite(loss):
                findings.append(Finding(f"loss of {name}, weighted"))
        if not findings:
            loss.backward()  # type: ignore[no-untyped-call]
    return findings[0] if findings else None


def _in_sum(network: Network | PairNetwork) -> Finding | None:
    """Of gradients that are each finite: their sum over micro-batches, or the norm of it all."""
    named = [(name, tensor.grad) for name, tensor in network.named_parameters() if tensor.grad is not None]
    for name, gradient in named:
        if not _finite(gradient):
            return Finding(f"sum of the gradients of {name} over the micro-batches")
    norm = torch.nn.utils.get_total_norm([gradient for _, gradient in named])
    return None if _finite(norm) else Finding("norm of the whole gradient, each part of which is finite")


@contextmanager
def _watching(network: Network | PairNetwork, batch: Batch) -> Iterator[list[Finding]]:
    """A list that fills with what is not finite, in the order in which it is computed."""
    findings: list[Finding] = []

    def look(where: str, tensor: Tensor) -> None:
        if not findings and not _finite(tensor):
            findings.append(Finding(where, _rows(tensor, batch)))

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
        yield findings


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
