"""ALUM: the same predictions where embeddings are moved adversarially (arXiv:2004.08994, section 3).

min E[ loss(f(x), y) + weight * max over |delta| <= epsilon of KL between f(x + delta) and f(x) ]

The released code (namisan/mt-dnn, folder alum) takes one raw gradient step, lost against the noise it begins
with, and rescales what comes out: noise, that is. With the paper's constants nothing moves at all. Both are
profiles, and the log says what they do (`kl_delta` beside `kl_random`); `robust` normalises the gradient and
measures by the embeddings' own size.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from pretrain.adversarial.attack import (
    Adversary,
    Attack,
    Constant,
    Level,
    Norm,
    Over,
    Pass,
    Places,
    Said,
    settled,
)
from pretrain.adversarial.norms import Projection, normalised, projected, sizes

CLEAR = 2e-2
"""Noise, in embeddings' own size, from which on half precision sees where a divergence climbs."""

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "robust": {},
    "released": {
        "weight": 10.0,
        "unit": "absolute",
        "noise_scale": 1e-5,
        "step_size": 1e-3,
        "ascent": "raw",
        "norm": "linf",
        "projection": "rescale",
        "epsilon": 1.0,
        "tiny": 1e-6,
    },
    "paper": {
        "weight": 10.0,
        "unit": "absolute",
        "noise_scale": 1e-5,
        "step_size": 1e-3,
        "ascent": "raw",
        "norm": "linf",
        "projection": "clip",
        "epsilon": 1e-5,
    },
}
"""What each profile sets; a setting that is given wins."""


class Alum(Adversary):
    """The task's loss, and `weight` times the symmetric divergence of clean and perturbed predictions."""

    method: Literal["alum"] = "alum"
    """Regularise predictions: where embeddings are moved adversarially, they shall stay as they are."""

    profile: Literal["robust", "released", "paper"] = "robust"
    """Where the settings below begin. robust: a normalised gradient, sizes relative to the embeddings.
    released: the rule of the released code. paper: the constants of the paper, taken literally."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence in the loss: alpha (10 in the other profiles)."""

    ramp_steps: Annotated[int, Field(ge=0)] = 0
    """Steps, from start_step on, over which the weight climbs from 0 in a straight line."""

    steps: Annotated[int, Field(ge=1)] = 1
    """Ascents: K. Each costs a forward and half a backward pass."""

    ascent: Literal["normalised", "raw"] = "normalised"
    """normalised: each goes `step_size` far, by `norm`. raw: `step_size` times the gradient, which shrinks as
    predictions grow in number."""

    step_size: Annotated[float, Field(ge=0)] = 0.1
    """Length of an ascent: eta."""

    epsilon: Annotated[float, Field(ge=0)] = 0.1
    """Radius: the perturbation's largest norm."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.05
    """Standard deviation of the normal noise that it starts from: sigma."""

    unit: Literal["embedding", "absolute"] = "embedding"
    """Of the three above. embedding: the size of what is perturbed, its root mean square for noise and under
    linf, its l2 norm under l2; a tenth of a token's length, say. absolute: they are taken as they are."""

    level: Level = "embeddings"
    """Where the perturbation is added. words: to what the word table gives. embeddings: to what the embedding
    block gives, after LayerNorm and dropout (as in the released code)."""

    norm: Norm = "l2"
    """By which gradients are normalised and the perturbation is bounded."""

    over: Over = "token"
    """Whether each token has a norm of its own, or each row."""

    projection: Projection = "ball"
    """After each ascent. ball: scaled down to the radius where larger. clip: coordinates cut there (linf).
    rescale: scaled up or down to the radius, always. none: left as it is."""

    constant: Constant = "each"
    """What the divergence, KL(clean || moved) + KL(moved || clean), does not learn through. each: the target
    in each. first: the clean predictions. none: nothing."""

    embeddings_learn: bool = False
    """Whether the embeddings learn from the perturbed pass, too."""

    scope: Literal["masked", "all"] = "masked"
    """Which predictions of mlm are compared: those at masked positions, or at all tokens, which takes the
    head over the vocabulary at each."""

    rows: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rows that are attacked, drawn anew in each step; they count for the others, too."""

    ascent_precision: Literal["auto", "fp32", "training"] = "auto"
    """What ascents are computed in. auto: as training is, but in fp32 where `noise_scale` is too small for
    half precision to see where it climbs."""

    tiny: Annotated[float, Field(gt=0)] = 1e-12
    """Added to a norm that something is divided by."""

    health_every: Annotated[int, Field(ge=0)] = 100
    """Steps between measurements of what the perturbation does, beside a random one of its size and dropout
    alone: four forward passes. 0: never."""

    @model_validator(mode="before")
    @classmethod
    def _begin_with_profile(cls, given: Any) -> Any:  # noqa: ANN401 - not yet validated
        if not isinstance(given, Mapping):
            return given
        profile = given.get("profile")
        return {**(PROFILES.get(profile, {}) if isinstance(profile, str) else {}), **given}

    @model_validator(mode="after")
    def _agree(self) -> "Alum":
        """Refuse what could not keep the radius."""
        if self.projection == "clip" and self.norm == "l2":
            raise ValueError(
                "projection: clip bounds coordinates, not l2 norms: set norm to linf, or take ball"
            )
        return self

    def examines(self, step: int) -> bool:
        """Whether what the perturbation does is measured at a step, counted from 0."""
        return self.health_every > 0 and (step + 1) % self.health_every == 0

    @property
    def ball(self) -> tuple[Norm, Over]:
        """The norm that bounds the perturbation, and what has one of its own."""
        return self.norm, self.over

    @property
    def everywhere(self) -> bool:
        """Whether predictions at all tokens are compared."""
        return self.scope == "all"

    @property
    def share(self) -> float:
        """Share of the rows that are attacked."""
        return self.rows

    def exact(self, halves: bool) -> bool:
        """Whether ascents are computed in float32 where the network computes in half precision."""
        if self.ascent_precision == "auto":
            return halves and not self._clear
        return self.ascent_precision == "fp32"

    def climbs_in(self, precision: str) -> bool:
        """Whether ascents see where they go when training computes in this precision."""
        return self.ascent_precision != "training" or precision == "fp32" or self._clear

    @property
    def _clear(self) -> bool:
        return self.unit == "embedding" and self.noise_scale >= CLEAR

    def factor(self, step: int) -> float:
        """The weight at a step, counted from 0."""
        return self.weight * min(1.0, (step - self.start_step + 1) / max(self.ramp_steps, 1))

    def due(self, step: int) -> bool:
        """Whether a step is adversarial; one of weight 0 never is."""
        return self.weight > 0 and super().due(step)

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: the task's, and the divergence at the last perturbation."""
        clean = attack.outputs(dropout=self.learning_dropout)
        start = self._noise(attack)
        delta, lost = settled(attack, self._climb(attack, clean, start))
        moved = attack.outputs(delta, dropout=self.learning_dropout, detached=not self.embeddings_learn)
        apart = (1 - lost) * attack.symmetric(clean, moved, self.constant)
        loss = attack.loss(clean) + self.factor(attack.step) * apart
        noted = {"divergence": apart.detach(), "dropped": lost, "micro_batches": torch.ones_like(lost)}
        yield Pass(loss, clean, delta=delta, start=start, noted=noted)

    def _noise(self, attack: Attack[Said]) -> Tensor:
        noise = self.noise_scale * attack.normal("start")
        if self.unit == "absolute":
            return noise
        squares = attack.embedded.square().mean(-1, keepdim=True)
        return noise * squares.sqrt()

    def _climb(self, attack: Attack[Said], clean: Said, delta: Tensor) -> Tensor:
        """The perturbation after all ascents, inside the radius."""
        places, size = attack.places, self._size(attack.embedded, attack.places)
        for _ in range(self.steps):
            slope = attack.gradient(
                delta, lambda moved: attack.divergence(clean, moved), dropout=self.dropout
            )
            if self.ascent == "normalised":
                slope = size * normalised(slope, places, self.norm, self.over, self.tiny)
            moved = delta + self.step_size * slope * places.movable[..., None]
            delta = projected(
                moved, self.epsilon * size, places, self.norm, self.over, self.projection, self.tiny
            )
        return delta

    def _size(self, embedded: Tensor, places: Places) -> Tensor | float:
        """What lengths are measured in, (..., 1)."""
        if self.unit == "absolute":
            return 1.0
        embedded = embedded * places.movable[..., None]
        if self.norm == "l2":
            return sizes(embedded, places, "l2", self.over)
        ones = torch.ones_like(embedded) * places.movable[..., None]
        whole, count = (sizes(each, places, "l2", self.over) for each in (embedded, ones))
        return whole / count.clamp_min(1.0)
