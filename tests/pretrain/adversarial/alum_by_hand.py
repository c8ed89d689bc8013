"""ALUM step by step in float64, as a page of plain PyTorch does it: no window, no hook, each token apart."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pretrain.adversarial import Alum
from pretrain.batch import NO_PAIR, Batch
from pretrain.networks.architectures import token_logits
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork

Said = tuple[Tensor, Tensor]  # logits of masked tokens and of labelled pairs


class Given(nn.Module):
    """Stands for a part of the model, and gives what it is told."""

    def __init__(self, value: Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, *_: object, **__: object) -> Tensor:
        return self.value


@dataclass
class ByHand:
    """A copy of the network in float64, one padded batch, and its window's denominators."""

    model: Any
    batch: Batch
    masked_total: int
    pair_total: int
    pair_weight: float

    @classmethod
    def of(
        cls,
        network: Network | PairNetwork,
        batch: Batch,
        masked_total: int,
        pair_total: int,
        pair_weight: float,
    ) -> "ByHand":
        model: Any = copy.deepcopy(network.model).double().train()
        model.base_model._forward_hooks.clear()
        for module in model.base_model.modules():
            module._forward_hooks.clear()
            module._forward_pre_hooks.clear()
        return cls(model, batch, masked_total, pair_total, pair_weight)

    def embedded(self, level: str) -> Tensor:
        if level == "words":
            table: Tensor = self.model.get_input_embeddings()(self.batch.input_ids)
            return table
        block: Tensor = self.model.bert.embeddings(
            input_ids=self.batch.input_ids, token_type_ids=self.batch.token_type_ids
        )
        return block

    def say(self, level: str, embedded: Tensor) -> Said:
        """What the model says where its embeddings are these."""
        holder, name = (
            (self.model.bert.embeddings, "word_embeddings")
            if level == "words"
            else (self.model.bert, "embeddings")
        )
        kept = getattr(holder, name)
        setattr(holder, name, Given(embedded))
        try:
            said = self.model(
                input_ids=self.batch.input_ids,
                attention_mask=self.batch.attention_mask.long(),
                token_type_ids=self.batch.token_type_ids,
            )
        finally:
            setattr(holder, name, kept)
        labelled = self.batch.pair_labels != NO_PAIR
        tokens = token_logits(said).flatten(0, 1)[self.batch.masked_positions]
        return tokens, said.get("seq_relationship_logits", torch.zeros(len(labelled), 2))[labelled]

    def loss(self, said: Said) -> Tensor:
        labels = self.batch.pair_labels[self.batch.pair_labels != NO_PAIR]
        tokens = -said[0].log_softmax(-1)[torch.arange(len(said[0])), self.batch.masked_targets].sum()
        pairs = -said[1].log_softmax(-1)[torch.arange(len(labels)), labels].sum()
        return tokens / self.masked_total + self.pair_weight * pairs / self.pair_total

    def kl(self, target: Said, said: Said) -> Tensor:
        parts = []
        for one, other in zip(target, said, strict=True):
            p, q = one.detach().softmax(-1), other.softmax(-1)
            parts.append((p * (p.log() - q.log())).sum())
        return parts[0] / self.masked_total + self.pair_weight * parts[1] / self.pair_total

    def slope(self, level: str, e: Tensor, clean: Said, delta: Tensor) -> Tensor:
        """The gradient of the divergence by delta."""
        leaf = delta.clone().requires_grad_()
        (slope,) = torch.autograd.grad(self.kl(clean, self.say(level, e + leaf)), leaf)
        return slope

    def alum(self, alum: Alum, noise: Tensor, movable: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Delta at the start and after each ascent, (batch, length, width); divergence; the whole loss."""
        clean_embedded = self.embedded(alum.level)
        clean = self.say(alum.level, clean_embedded)
        e = clean_embedded.detach()
        relative = alum.unit == "embedding"
        rows = [[(r, c) for c in cells] for r, cells in self._cells(movable)]
        groups = [[cell] for row in rows for cell in row]
        if alum.over == "sequence":
            groups = [row for row in rows if row]
        delta = torch.zeros_like(e)
        for r, cells in self._cells(movable):
            for c in cells:
                rms = math.sqrt(float((e[r, c] ** 2).mean())) if relative else 1.0
                delta[r, c] = alum.noise_scale * rms * noise[r, c].double()
        found = [delta]
        for _ in range(alum.steps):
            slope = self.slope(alum.level, e, clean, delta)
            moved = torch.zeros_like(e)
            for group in groups:
                pick = tuple(torch.tensor(axis) for axis in zip(*group, strict=True))
                moved[pick] = self._step(alum, delta[pick], slope[pick], e[pick] if relative else None)
            delta = moved
            found.append(delta)
        base = clean_embedded if alum.embeddings_learn else e
        said = self.say(alum.level, base + delta)
        apart = self.kl(clean, said) + self.kl(said, clean)
        return found, apart, self.loss(clean) + alum.weight * apart

    def _cells(self, movable: Tensor) -> list[tuple[int, list[int]]]:
        return [(r, row.nonzero().flatten().tolist()) for r, row in enumerate(movable)]

    @staticmethod
    def _step(alum: Alum, delta: Tensor, slope: Tensor, e: Tensor | None) -> Tensor:
        norm: Callable[[Tensor], Tensor] = (
            (lambda x: x.abs().max()) if alum.norm == "linf" else (lambda x: (x**2).sum().sqrt())
        )
        size = 1.0
        if e is not None:
            size = float(norm(e)) if alum.norm == "l2" else float((e**2).mean().sqrt())
        if alum.ascent == "normalised":
            slope = size * slope / max(float(norm(slope)), alum.tiny)
        moved, radius = delta + alum.step_size * slope, alum.epsilon * size
        if alum.projection == "clip":
            return moved.clamp(-radius, radius)
        if alum.projection == "rescale":
            return moved * radius / (norm(moved) + alum.tiny)
        return moved * min(1.0, radius / max(float(norm(moved)), alum.tiny))
