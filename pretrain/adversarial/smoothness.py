"""What ALUM and SMART share: the perturbation that changes predictions most, whatever the labels say.

Found by ascents of the divergence between clean and perturbed predictions. At no perturbation at all that has
no slope where both passes have the same dropout masks: hence the small random start.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

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
    Places,
    Said,
    settled,
)
from pretrain.adversarial.norms import Projection, normalised, projected, sizes

CLEAR = 2e-2
"""Noise, in embeddings' own size, from which on half precision sees where a divergence climbs."""

Profile = Literal["robust", "released", "paper"]

_AS_STATED = {"unit": "absolute", "noise_scale": 1e-5, "step_size": 1e-3, "norm": "linf"}
RELEASED = {**_AS_STATED, "ascent": "raw", "projection": "rescale", "epsilon": 1.0, "tiny": 1e-6}
"""The rule of mt-dnn's code: every token is scaled to linf 1, whatever the step was."""

PRINTED = {**_AS_STATED, "projection": "clip", "epsilon": 1e-5}
"""The constants that both papers are reported to print."""


class Smoothness(NamedTuple):
    """What the ascents came to."""

    apart: Tensor  # scalar: clean and perturbed predictions; 0 where they were no number
    start: Tensor  # (..., width)
    delta: Tensor  # (..., width)
    lost: Tensor  # scalar, 1 or 0: whether they were no number

    @property
    def noted(self) -> dict[str, Tensor]:
        """Scalars to report."""
        each = torch.ones_like(self.lost)
        return {"divergence": self.apart.detach(), "dropped": self.lost, "micro_batches": each}


class Smoothing(Adversary):
    """Settings of the ascents, and of the divergence that is learnt from."""

    profiles: ClassVar[Mapping[Profile, Mapping[str, Any]]] = {}
    """What each profile sets; a setting that is given wins."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence under the perturbation in the loss."""

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

    ascent_precision: Literal["auto", "fp32", "training"] = "auto"
    """What ascents are computed in. auto: as training is, but in fp32 where `noise_scale` is too small for
    half precision to see where it climbs."""

    tiny: Annotated[float, Field(gt=0)] = 1e-12
    """Added to a norm that something is divided by."""

    @model_validator(mode="before")
    @classmethod
    def _begin_with_profile(cls, given: Any) -> Any:  # noqa: ANN401 - not yet validated
        if not isinstance(given, Mapping):
            return given
        profile = given.get("profile")
        return {**(cls.profiles.get(profile, {}) if isinstance(profile, str) else {}), **given}  # type: ignore[call-overload]

    @model_validator(mode="after")
    def _agree(self) -> "Smoothing":
        """Refuse what could not keep the radius."""
        if self.projection == "clip" and self.norm == "l2":
            raise ValueError(
                "projection: clip bounds coordinates, not l2 norms: set norm to linf, or take ball"
            )
        return self

    @property
    def ball(self) -> tuple[Norm, Over]:
        """The norm that bounds the perturbation, and what has one of its own."""
        return self.norm, self.over

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

    def height(self, attack: Attack[Said], clean: Said, moved: Said) -> Tensor:
        """What ascents climb: KL(clean || moved)."""
        return attack.divergence(clean, moved)

    def smoothness(self, attack: Attack[Said], clean: Said) -> Smoothness:
        """The symmetric divergence from a clean pass at the end of the ascents."""
        start = self._noise(attack)
        delta, lost = settled(attack, self._climb(attack, clean, start))
        moved = attack.outputs(delta, dropout=self.learning_dropout, detached=not self.embeddings_learn)
        return Smoothness((1 - lost) * attack.symmetric(clean, moved, self.constant), start, delta, lost)

    def _noise(self, attack: Attack[Said]) -> Tensor:
        noise = self.noise_scale * attack.noise("normal", "start")
        if self.unit == "absolute":
            return noise
        squares = attack.embedded.square().mean(-1, keepdim=True)
        return noise * squares.sqrt()

    def _climb(self, attack: Attack[Said], clean: Said, delta: Tensor) -> Tensor:
        """The perturbation after all ascents, inside the radius."""
        places, size = attack.places, self._size(attack.embedded, attack.places)
        for _ in range(self.steps):
            slope = attack.gradient(
                delta, lambda moved: self.height(attack, clean, moved), dropout=self.dropout
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
