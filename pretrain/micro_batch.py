"""One micro-batch of pre-training, as an adversary sees it: run plainly, or with its embeddings moved.

Noise is drawn for each row by itself, as masks are: a function of seed, step and row. So ranks, micro-batches
and the layout before the network change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, cast

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from corpora.errors import MaskwrightError
from pretrain.adversarial.attack import Adversary, Constant, Dropout, Noise, Places, drawn
from pretrain.adversarial.divergences import kl, symmetric_kl
from pretrain.adversarial.norms import word_length
from pretrain.batch import Batch, Window
from pretrain.engine.deepspeed import Ranks
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.networks.perturbing import Embeddings, Shift, frozen
from pretrain.objectives import Objective
from pretrain.objectives.terms import Outputs, Term
from pretrain.randomness import torch_seed

Run = Callable[[Batch, Shift | None], Outputs]


class Runner(Protocol):
    """What a micro-batch asks of an engine."""

    ranks: Ranks
    network: Network | PairNetwork

    @property
    def loss_scale(self) -> float:
        """What a loss is multiplied by before it is differentiated."""

    def __call__(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """A pass that is learnt from."""

    def aside(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """Another one."""

    def anywhere(self, flag: Tensor) -> Tensor:
        """Whether a flag is set on any rank."""


@dataclass(frozen=True)
class Answers:
    """What the network says of a micro-batch, and what its objectives make of it."""

    outputs: Outputs  # at the positions that are looked at
    batch: Batch
    objectives: Mapping[str, Objective]
    asked: Tensor | None  # (masked,) which of those positions are to be predicted; None: all of them
    exact: bool = False  # said in float32 where training computes in half precision

    @cached_property
    def terms(self) -> Mapping[str, Term]:
        """Loss and hits of each objective, summed over the micro-batch."""
        outputs = self.outputs
        if self.asked is not None:
            outputs = outputs._replace(tokens=outputs.tokens[self.asked])
        return {name: one.term(outputs, self.batch) for name, one in self.objectives.items()}

    def sums(self) -> Tensor:
        """The numbers to report, (objectives, 2 + more) float64; zeros where an objective has fewer."""
        return pad_sequence([term.sums() for term in self.terms.values()], batch_first=True)


class MicroBatch:
    """An `Attack` on the rows that a device works on at once (see `pretrain.adversarial.attack`)."""

    def __init__(
        self,
        engine: Runner,
        batch: Batch,
        window: Window,
        objectives: Mapping[str, Objective],
        adversary: Adversary | None,
        seeds: tuple[int, int],
    ) -> None:
        """One of the window's. Seeds: of the noise, and the one that its dropout masks begin with."""
        self.step = window.step
        self._engine, self._batch, self._objectives = engine, batch, objectives
        self._network, self._adversary = engine.network, adversary
        self._seed, self._dropout = seeds
        self._counts = {name: one.count(window) for name, one in objectives.items()}
        self._asked: Tensor | None = None
        self._chosen: Tensor | None = None
        self._embedded: Tensor | None = None
        self._filled: Tensor | None = None  # a generator's tokens, of the first clean pass
        self._attacked, self._factor = batch, 1.0
        if adversary and adversary.share < 1:
            self._chosen, self._factor = self._choose(adversary.share)
            self._attacked = batch.only(self._chosen)
        if adversary and adversary.everywhere:
            window = replace(window, masked_total=window.real_tokens)
            self._asked = _among_real(batch)
            self._batch, self._attacked = (_everywhere(each) for each in (batch, self._attacked))
        self._looks = {name: one.count(window) for name, one in objectives.items()}

    @cached_property
    def places(self) -> Places:
        """What stands where, and where a perturbation may be."""
        places = self._network.places(self._attacked)
        if self._adversary is None or self._adversary.specials:
            return places
        return replace(places, movable=places.movable & ~places.special)

    @property
    def embedded(self) -> Tensor:
        """The embeddings of the first clean pass, (..., width) float32; before it, zeros."""
        if self._embedded is None:
            return torch.zeros(*self.places.tokens.shape, self._embeddings.width, device=self._device)
        return self._embedded

    @cached_property
    def word_length(self) -> float:
        """That of the network's word vectors, of which no process has all under ZeRO 3."""
        return word_length(cast(Tensor, self._embeddings.words.weight))

    def noise(self, kind: Noise, purpose: str) -> Tensor:
        """Each row's own draws, for its real tokens in their order; 0 where a perturbation may not be."""
        places, width, mask = self.places, self.embedded.shape[-1], self._attacked.attention_mask
        rows = [
            drawn(kind, length, width, self._device, torch_seed(self._seed, purpose, self.step, sample))
            for sample, length in zip(self._attacked.samples.tolist(), mask.sum(1).tolist(), strict=True)
        ]
        found = torch.zeros(*places.tokens.shape, width, device=self._device)
        found[mask if found.shape[:-1] == mask.shape else ...] = torch.cat(rows)
        return found * places.movable[..., None]

    def outputs(
        self, delta: Tensor | None = None, *, dropout: Dropout = "fresh", detached: bool = False
    ) -> Answers:
        """What the network says, its embeddings moved by `delta`; `detached`: they do not learn from it."""
        if delta is not None:
            moved = Shift(delta, detached, drawn=self._filled_in_attacked)
            return self._run(self._engine, self._attacked, moved, dropout)
        watched = Shift(drawn=self._filled) if self._adversary else None
        said = self._run(self._engine, self._batch, watched, dropout)
        if said.outputs.detections and self._filled is None:  # other passes are to see the same
            self._filled = said.outputs.detections.drawn
        if self._adversary and self._embedded is None and self._embeddings.clean is not None:
            self._embedded = self._of_attacked(self._embeddings.clean)
        return said

    def gradient(
        self, delta: Tensor, measure: Callable[[Answers], Tensor], *, dropout: Dropout = "fresh"
    ) -> Tensor:
        """The gradient of a measure by delta alone; the parameters are frozen meanwhile."""
        leaf, scale = delta.detach().requires_grad_(), self._engine.loss_scale
        exact = self._adversary is not None and self._adversary.exact(self._network.precision is not None)
        with frozen(self._network):
            shift = Shift(leaf, exact=exact, drawn=self._filled_in_attacked)
            value = measure(self._run(self._engine.aside, self._attacked, shift, dropout))
            (gradient,) = torch.autograd.grad(value * scale, leaf)
        return gradient / scale

    def loss(self, said: Answers) -> Tensor:
        """The objectives' losses by their weights, each divided by its count in the window."""
        loss = torch.zeros((), device=self._device)
        for name, term in said.terms.items():
            loss = loss + self._objectives[name].weight * term.loss / max(self._counts[name], 1)
        return loss

    def divergence(self, target: Answers, said: Answers) -> Tensor:
        """KL(target || said) of all predictions, weighted and divided as their losses are."""
        return self._apart(kl, target, said)

    def symmetric(self, one: Answers, other: Answers, constant: Constant = "each") -> Tensor:
        """KL(one || other) + KL(other || one), likewise."""
        return self._apart(lambda first, second: symmetric_kl(first, second, constant), one, other)

    def anywhere(self, flag: Tensor) -> Tensor:
        """Whether a flag is set in this micro-batch of any rank."""
        return self._engine.anywhere(flag)

    @property
    def _embeddings(self) -> Embeddings:
        if self._network.embeddings is None:
            raise MaskwrightError("an adversary needs a network whose embeddings were opened to it")
        return self._network.embeddings

    @property
    def _device(self) -> torch.device:
        return self._engine.ranks.device

    @cached_property
    def _exact_clean(self) -> Answers:
        """The first clean pass once more, with its dropout masks, in float32; draws go on behind it."""
        with torch.no_grad():
            return self._run(self._engine.aside, self._batch, Shift(exact=True, drawn=self._filled), "same")

    def _run(self, run: Run, batch: Batch, shift: Shift | None, dropout: Dropout) -> Answers:
        if dropout == "same":
            torch.manual_seed(self._dropout)
        self._network.train(dropout != "off")
        try:
            outputs = run(batch, shift)
        finally:
            self._network.train()
        return Answers(outputs, batch, self._objectives, self._asked, shift is not None and shift.exact)

    def _apart(self, divergence: Callable[[Tensor, Tensor], Tensor], one: Answers, other: Answers) -> Tensor:
        """Between two precisions it would be of rounding.

        So what is said exactly is compared with what the first clean pass would have said exactly.
        """
        if other.exact and not one.exact:
            one = self._exact_clean
        apart = torch.zeros((), device=self._device)
        for name, objective in self._objectives.items():
            first, second = (self._attacked_logits(objective, each) for each in (one, other))
            if first is not None and second is not None:
                apart = apart + objective.weight * divergence(first, second) / max(self._looks[name], 1)
        return apart * self._factor

    def _attacked_logits(self, objective: Objective, said: Answers) -> Tensor | None:
        """What is regularised of an objective, (predictions, classes): of the attacked rows alone."""
        if (found := objective.predictions(said.outputs, said.batch)) is None:
            return None
        logits, rows = found
        return logits if self._chosen is None or said.batch is self._attacked else logits[self._chosen[rows]]

    @property
    def _filled_in_attacked(self) -> Tensor | None:
        if self._filled is None or self._chosen is None:
            return self._filled
        return self._filled[self._chosen[self._batch.masked_positions // self._batch.input_ids.shape[1]]]

    def _of_attacked(self, embedded: Tensor) -> Tensor:
        """Of embeddings of all rows those of the attacked ones, in their shape."""
        if self._chosen is None:
            return embedded
        kept = self._chosen[self._network.places(self._batch).sequence]
        return embedded[kept].view(*self.places.tokens.shape, -1)

    def _choose(self, share: float) -> tuple[Tensor, float]:
        """The rows to attack, (batch,) bool, and the factor that makes up for the others.

        Some row is always run, of factor 0 perhaps: all ranks run the same passes.
        """
        keys = [torch_seed(self._seed, "attacked", self.step, row) for row in self._batch.samples.tolist()]
        chosen = torch.tensor([key < share * 2**63 for key in keys])
        factor = 1 / share if chosen.any() else 0.0
        chosen[0] |= not chosen.any()
        return chosen.to(self._device), factor


def _everywhere(batch: Batch) -> Batch:
    """The batch, looked at in all real tokens."""
    return replace(batch, masked_positions=batch.attention_mask.flatten().nonzero().squeeze(1))


def _among_real(batch: Batch) -> Tensor:
    """Where the positions to predict are among all real tokens, (masked,)."""
    return (batch.attention_mask.flatten().cumsum(0) - 1)[batch.masked_positions]
