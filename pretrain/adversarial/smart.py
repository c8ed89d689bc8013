"""SMART: smooth predictions, and small steps of them (arXiv:1911.03437, sections 3.1 and 3.2)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from pretrain.adversarial.attack import Attack, Constant, Pass, Said, Work
from pretrain.adversarial.smoothness import PRINTED, RELEASED, Profile, Smoothing

Momentum = Annotated[float, Field(ge=0, lt=1)]


@dataclass
class SlowWeights:
    """A running mean of the weights, theta tilde, which moves once a step."""

    network: nn.Module
    values: list[Tensor]  # of its parameters, in order
    steps: int | None  # of the whole training
    step: int = -1  # the last that it has moved for

    def turn(self, step: int, momentum: float) -> None:
        """Before the first pass of a step: (1 - momentum) of the weights as they are now."""
        if step != self.step:
            now = [weight.detach() for weight in self.network.parameters()]
            torch._foreach_lerp_(self.values, now, 1 - momentum)
            self.step = step

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network has the slow weights; for passes without a gradient."""
        weights = list(self.network.parameters())
        own = [weight.data for weight in weights]
        try:
            for weight, slow in zip(weights, self.values, strict=True):
                weight.data = slow
            with torch.no_grad():
                yield
        finally:
            for weight, kept in zip(weights, own, strict=True):
                weight.data = kept


class Smart(Smoothing):
    """The task's loss, and two regularisers: smoothness, and nearness to a slower self.

    `weight` times the divergence under the worst perturbation, `proximal` times that from the predictions of
    the weights' running mean (Bregman proximal point method, with momentum). The slower self sees the same
    dropout masks as the clean pass, so that nothing divides them where the weights are the same. Both
    divergences are symmetric KL for classes, the squared difference for numbers.
    """

    profiles: ClassVar[Mapping[Profile, Mapping[str, Any]]] = {
        "paper": {"level": "words", **PRINTED},
        "released": {**RELEASED, "constant": "each", "proximal": 0.0},
    }

    method: Literal["smart"] = "smart"
    """Regularise by the divergence under the worst perturbation, and by that from a slower self."""

    profile: Profile = "robust"
    """Where the other settings begin. robust: a normalised gradient, sizes relative to the embeddings. paper:
    the constants as reported (ball and start 1e-5, step 1e-3, linf), so small that little but dropout differs
    between the passes. released: mt-dnn's rule, a raw step and then every token scaled to linf 1, without the
    slower self."""

    constant: Constant = "none"
    """What the divergence does not learn through; nothing, as published."""

    embeddings_learn: bool = True
    """Whether the embeddings learn from the perturbed pass, too."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence under the perturbation (lambda_s); the paper tries 1, 3 and 5."""

    proximal: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence from the slower self (mu); 0: there is none."""

    momentum: Momentum = 0.99
    """How slow that self is (beta): it keeps so much of itself at each step, at first."""

    late_momentum: Momentum = 0.999
    """The same after `early` of all steps, where the number of steps is known."""

    early: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the steps with the first momentum."""

    @property
    def work(self) -> Work:
        """A clean pass, the ascents and a pass, and one of the slower self."""
        return Work(clean=1, moved=1, ascents=self.steps, watched=float(self.proximal > 0))

    def begin(self, network: nn.Module, steps: int | None = None) -> SlowWeights | None:
        """A copy of the weights as they are."""
        if not self.proximal:
            return None
        return SlowWeights(network, [weight.detach().clone() for weight in network.parameters()], steps)

    def height(self, attack: Attack[Said], clean: Said, moved: Said) -> Tensor:
        """What is learnt from: the divergence in both directions."""
        return attack.symmetric(clean, moved, "first")

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: clean, smoothness, and nearness to the slower self, if `state` has one."""
        slow: Said | None = None
        if state is not None:
            mean: SlowWeights = state
            late = mean.steps is not None and attack.step >= self.early * mean.steps
            mean.turn(attack.step, self.late_momentum if late else self.momentum)
            with mean.in_place():
                slow = attack.outputs(dropout="same")
        clean = attack.outputs(dropout="same")
        loss, noted = attack.loss(clean), dict[str, Tensor]()
        if slow is not None:
            nearness = attack.symmetric(slow, clean, "first")
            loss, noted = loss + self.proximal * nearness, {"proximal": nearness.detach()}
        smooth = self.smoothness(attack, clean)
        loss = loss + self.weight * smooth.apart
        yield Pass(loss, clean, delta=smooth.delta, start=smooth.start, noted={**noted, **smooth.noted})
