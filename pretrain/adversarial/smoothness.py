"""What SMART and its like share: the worst perturbation of a prediction, whatever the task's labels say.

Found by ascents of the divergence between the clean and the perturbed prediction. At no perturbation at all
its gradient is zero where both passes have the same dropout masks: hence the small random start.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, model_validator
from torch import Tensor

from pretrain.adversarial.attack import Adversary, Attack, Constant, Dropout, Said
from pretrain.adversarial.norms import Norm, Over, Projection, normalised, projected


class Smoothness(NamedTuple):
    """What became of the ascents."""

    divergence: Tensor | None  # between clean and perturbed prediction; None: a gradient was no number
    start: Tensor  # (..., width)
    delta: Tensor


class Smoothing(Adversary):
    """Settings of the ascents, and of the divergence that is learnt from."""

    profiles: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    """Profile -> the settings that differ from the defaults, unless they are said."""

    steps: Annotated[int, Field(ge=1)] = 1
    """Ascents (K), each a forward pass and a backward pass to the embeddings."""

    step_size: Annotated[float, Field(ge=0)] = 0.1
    """Length of one ascent."""

    epsilon: Annotated[float, Field(ge=0)] = 0.1
    """Radius of the ball."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.01
    """Standard deviation of the random start."""

    norm: Norm = "l2"
    """Of gradients and perturbations."""

    over: Over = "token"
    """What has a norm of its own."""

    raw: bool = False
    """Step along the gradient as it is, not along its direction: as released. Its size falls with the batch
    and is mostly far below the start's, so that the start alone decides."""

    projection: Projection = "ball"
    """How a perturbation is kept inside the radius."""

    tiny: Annotated[float, Field(gt=0)] = 1e-12
    """Guard of divisions by a norm."""

    dropout: Dropout = "fresh"
    """Dropout masks of the passes; off: none in the ascents."""

    constant: Constant = "none"
    """What the divergence does not learn through."""

    detached: bool = False
    """Whether the embeddings do not learn from the perturbed pass."""

    @model_validator(mode="before")
    @classmethod
    def _of_profile(cls, given: Any) -> Any:  # noqa: ANN401 - anything may be written there
        """Fill in what the profile says."""
        if not isinstance(given, Mapping):
            return given
        profile = given.get("profile", cls.model_fields["profile"].default)
        return {**cls.profiles.get(str(profile), {}), **given}

    def smoothness(self, attack: Attack[Said], clean: Said) -> Smoothness:
        """The symmetric divergence at the end of the ascents; none, if one of them is no number anywhere."""
        places = attack.places
        start = delta = self.noise_scale * attack.normal("start")
        for _ in range(self.steps):
            slope = attack.gradient(delta, lambda said: attack.divergence(clean, said), dropout=self.dropout)
            if attack.anywhere(~slope.isfinite().all()):
                return Smoothness(None, start, delta)
            if not self.raw:
                slope = normalised(slope, places, self.norm, self.over, self.tiny)
            moved = delta + self.step_size * slope
            delta = projected(moved, self.epsilon, places, self.norm, self.over, self.projection, self.tiny)
        dropout: Dropout = "same" if self.dropout == "same" else "fresh"
        said = attack.outputs(delta, dropout=dropout, detached=self.detached)
        return Smoothness(attack.symmetric(clean, said, self.constant), start, delta)
