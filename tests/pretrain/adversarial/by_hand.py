"""Each algorithm written out in float64, one row at a time, without pads, hooks or anything of the family.

A row is run alone through the model by `inputs_embeds`, so neither padding nor its neighbours can matter.
Everything is a plain loop over rows and tokens; the first perturbation is handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

Deltas = list[Tensor]  # one (tokens, hidden) a row


@dataclass
class Rows:
    """A classifier of `transformers` in float64 without dropout, and rows of ids (tokens,)."""

    network: Any
    ids: Sequence[Tensor]
    labels: Tensor

    def said(self, row: int, delta: Tensor | None = None) -> Tensor:
        """Logits (classes,) of one row, its word vectors moved by `delta`."""
        words = self.network.get_input_embeddings()(self.ids[row])
        said: Tensor = self.network(inputs_embeds=(words if delta is None else words + delta)[None]).logits[0]
        return said

    def losses(self, deltas: Deltas) -> Tensor:
        """Mean cross-entropy over the rows."""
        each = [cross_entropy(self.said(row, delta), self.labels[row]) for row, delta in enumerate(deltas)]
        return torch.stack(each).mean()

    def ascents(self, loss: Callable[[Deltas], Tensor], deltas: Deltas) -> Deltas:
        """The gradient by each row's perturbation."""
        leaves = [delta.detach().clone().requires_grad_() for delta in deltas]
        return list(torch.autograd.grad(loss(leaves), leaves))

    def gradient(self, loss: Tensor) -> Tensor:
        """That by all weights, flat."""
        weights = list(self.network.parameters())
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        pairs = zip(found, weights, strict=True)
        return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for g, w in pairs])


def into_ball(delta: Tensor, radius: float) -> Tensor:
    """A row's perturbation, not longer than `radius` (Frobenius)."""
    norm = float((delta**2).sum() ** 0.5)
    return delta * (radius / norm) if norm > radius else delta


def climbed(delta: Tensor, gradient: Tensor, step: float, radius: float) -> Tensor:
    """One ascent of PGD, FreeAT and FreeLB (arXiv:1909.11764, algorithm 1, lines 8 and 9)."""
    return into_ball(delta + step * gradient / float((gradient**2).sum() ** 0.5), radius)


def pgd(rows: Rows, deltas: Deltas, steps: int, step: float, radius: float) -> tuple[list[Deltas], Tensor]:
    """Perturbations before each pass, and the gradient of the weights: that of the last pass alone."""
    walked = [deltas]
    for _ in range(steps):
        found = rows.ascents(rows.losses, walked[-1])
        walked.append([climbed(d, g, step, radius) for d, g in zip(walked[-1], found, strict=True)])
    return walked, rows.gradient(rows.losses(walked[-1]))


def freelb(
    rows: Rows, deltas: Deltas, passes: int, step: float, radius: float
) -> tuple[list[Deltas], Tensor]:
    """Perturbations of each pass, and the mean of the weights' gradients over all passes."""
    walked, total = [deltas], rows.gradient(rows.losses(deltas)) / passes
    for _ in range(passes - 1):
        found = rows.ascents(rows.losses, walked[-1])
        walked.append([climbed(d, g, step, radius) for d, g in zip(walked[-1], found, strict=True)])
        total = total + rows.gradient(rows.losses(walked[-1])) / passes
    return walked, total


def free_at(
    rows: Rows, deltas: Deltas, steps: int, step: float, radius: float, rate: float
) -> tuple[list[Deltas], list[Tensor]]:
    """Perturbations and gradients of each pass; plain gradient descent by `rate` after every one."""
    walked, gradients = [deltas], list[Tensor]()
    for number in range(steps):
        gradients.append(rows.gradient(rows.losses(walked[-1])))
        if number < steps - 1:
            found = rows.ascents(rows.losses, walked[-1])
            walked.append([climbed(d, g, step, radius) for d, g in zip(walked[-1], found, strict=True)])
        torch.nn.utils.vector_to_parameters(
            torch.nn.utils.parameters_to_vector(rows.network.parameters()).detach() - rate * gradients[-1],
            rows.network.parameters(),
        )
    return walked, gradients


def text_at(
    rows: Rows,
    table: Tensor,
    deltas: Deltas,
    free: Sequence[Sequence[bool]],
    steps: int,
    step: float,
    radius: float,
) -> tuple[list[Deltas], Tensor, Tensor]:
    """The perturbation of each pass, the mean gradient, the table afterwards (arXiv:2004.14543, algorithm 1).

    `free` says of each token whether it has a part of its own (specials have none).
    """
    allowed = [torch.tensor(flags)[:, None].double() for flags in free]
    tokens = [table[ids].double() * may for ids, may in zip(rows.ids, allowed, strict=True)]
    walked, total = [[d + t for d, t in zip(deltas, tokens, strict=True)]], torch.zeros(())
    for number in range(steps):
        total = total + rows.gradient(rows.losses(walked[-1])) / steps
        found = rows.ascents(rows.losses, walked[-1])
        new: list[tuple[Tensor, Tensor]] = []
        for delta, token, gradient, may in zip(deltas, tokens, found, allowed, strict=True):
            delta = delta + step * gradient / float((gradient**2).sum() ** 0.5)
            moved = torch.zeros_like(token)
            for place in range(len(token)):
                if may[place]:
                    moved[place] = token[place] + step * gradient[place] / gradient[place].norm()
            moved = moved * (moved.norm(dim=1) / moved.norm(dim=1).max())[:, None]
            shrink = min(1.0, radius / float((delta + moved).norm()))
            new.append((delta * shrink, moved * shrink))
        deltas, tokens = [d for d, _ in new], [t for _, t in new]
        if number < steps - 1:
            walked.append([d + t for d, t in zip(deltas, tokens, strict=True)])
    after = table.clone()
    for word in {int(i) for ids in rows.ids for i in ids}:
        mine = [
            tokens[row][place]
            for row, ids in enumerate(rows.ids)
            for place in range(len(ids))
            if int(ids[place]) == word and free[row][place]
        ]
        if mine:
            after[word] = torch.stack(mine).mean(0)
    return walked, total, after


def text_at_released(
    rows: Rows, table: Tensor, ids: Tensor, deltas: Tensor, steps: int, step: float, radius: float
) -> tuple[list[Tensor], Tensor, Tensor]:
    """As token_vat.py of LinyangLee/Token-Aware-VAT does it, on padded rows: ids (batch, length).

    The first perturbation is handed in without the tokens' part; pads are 0, and get no gradient.
    """
    tokens = table[ids] / float((table[ids] ** 2).sum() ** 0.5)
    walked, total = list[Tensor](), torch.zeros(())
    for number in range(steps):
        walked.append(deltas + tokens)
        each = [walked[-1][row, : len(real)] for row, real in enumerate(rows.ids)]
        total = total + rows.gradient(rows.losses(each))
        if number == steps - 1:
            break
        for row, slope in enumerate(rows.ascents(rows.losses, each)):
            here = slice(0, len(slope))
            deltas[row, here] += step * slope / slope.norm()
            tokens[row, here] += step * slope / slope.norm(dim=1, keepdim=True)
            sizes = tokens[row].norm(dim=1)  # pads among them
            tokens[row] *= (sizes / sizes.max())[:, None]
            shrink = min(1.0, radius / float((deltas[row] + tokens[row]).norm()))
            deltas[row] *= shrink
            tokens[row] *= shrink
    after = table.clone()
    for row, real in enumerate(ids.tolist()):
        for place, word in enumerate(real):
            after[word] += tokens[row, place]
    return walked, total, after


def kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p || q) of logits (classes,)."""
    one, other = log_softmax(p, 0), log_softmax(q, 0)
    return (one.exp() * (one - other)).sum()


def symmetric_kl(p: Tensor, q: Tensor) -> Tensor:
    """Both ways, added."""
    return kl(p, q) + kl(q, p)
