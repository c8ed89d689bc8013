"""ALUM: the same predictions where embeddings are moved adversarially (arXiv:2004.08994, section 3).

min E[ loss(f(x), y) + weight * max over |delta| <= epsilon of KL between f(x + delta) and f(x) ]

The released code (namisan/mt-dnn, folder alum) takes one raw gradient step, lost against the noise it begins
with, and rescales what comes out: noise, that is. With the paper's constants nothing moves at all. Both are
profiles, and the log says what they do (`kl_delta` beside `kl_random`); `robust` normalises the gradient and
measures by the embeddings' own size.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pretrain.adversarial.attack import Attack, Pass, Said, Work
from pretrain.adversarial.smoothness import PRINTED, RELEASED, Profile, Smoothing


class Alum(Smoothing):
    """The task's loss, and `weight` times the symmetric divergence of clean and perturbed predictions."""

    profiles: ClassVar[Mapping[Profile, Mapping[str, Any]]] = {
        "released": {"weight": 10.0, **RELEASED},
        "paper": {"weight": 10.0, "ascent": "raw", **PRINTED},
    }

    method: Literal["alum"] = "alum"
    """Regularise predictions: where embeddings are moved adversarially, they shall stay as they are."""

    profile: Profile = "robust"
    """Where the other settings begin. robust: a normalised gradient, sizes relative to the embeddings.
    released: the rule of the released code. paper: the constants of the paper, taken literally."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence in the loss: alpha (10 in the other profiles)."""

    ramp_steps: Annotated[int, Field(ge=0)] = 0
    """Steps, from start_step on, over which the weight climbs from 0 in a straight line."""

    scope: Literal["masked", "all"] = "masked"
    """Which predictions of mlm are compared: those at masked positions, or at all tokens, which takes the
    head over the vocabulary at each."""

    rows: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rows that are attacked, drawn anew in each step; they count for the others, too."""

    health_every: Annotated[int, Field(ge=0)] = 100
    """Steps between measurements of what the perturbation does, beside a random one of its size and dropout
    alone: four forward passes. 0: never."""

    def examines(self, step: int) -> bool:
        """Whether what the perturbation does is measured at a step, counted from 0."""
        return self.health_every > 0 and (step + 1) % self.health_every == 0

    @property
    def everywhere(self) -> bool:
        """Whether predictions at all tokens are compared."""
        return self.scope == "all"

    @property
    def share(self) -> float:
        """Share of the rows that are attacked."""
        return self.rows

    @property
    def work(self) -> Work:
        """A clean pass, and of the attacked rows the ascents and a pass."""
        return Work(clean=1, moved=self.rows, ascents=self.steps * self.rows)

    def factor(self, step: int) -> float:
        """The weight at a step, counted from 0."""
        return self.weight * min(1.0, (step - self.start_step + 1) / max(self.ramp_steps, 1))

    def due(self, step: int) -> bool:
        """Whether a step is adversarial; one of weight 0 never is."""
        return self.weight > 0 and super().due(step)

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: the task's, and the divergence at the last perturbation."""
        clean = attack.outputs(dropout=self.learning_dropout)
        smooth = self.smoothness(attack, clean)
        loss = attack.loss(clean) + self.factor(attack.step) * smooth.apart
        yield Pass(loss, clean, delta=smooth.delta, start=smooth.start, noted=smooth.noted)
