"""ALUM: the same predictions where embeddings are moved adversarially (arXiv:2004.08994, section 3)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from pretrain.adversarial.attack import Adversary, Attack, Constant, Dropout, Level, Pass, Said
from pretrain.adversarial.norms import Norm, Over, Projection, normalised, projected


class Alum(Adversary):
    """The task's loss, and `weight` times the symmetric KL between clean and perturbed predictions."""

    method: Literal["alum"] = "alum"
    """Regularise predictions by a divergence, whatever the task is."""

    profile: Literal["robust", "released", "paper"] = "robust"
    """Where the other settings begin."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence in the loss."""

    steps: Annotated[int, Field(ge=1)] = 1
    """Ascents."""

    step_size: Annotated[float, Field(ge=0)] = 0.1
    """Length of one ascent."""

    epsilon: Annotated[float, Field(ge=0)] = 0.1
    """Radius of the ball."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.01
    """Standard deviation of the start."""

    level: Level = "embeddings"
    """Where the perturbation is added."""

    norm: Norm = "l2"
    """Of gradients and perturbations."""

    over: Over = "token"
    """What has a norm of its own."""

    projection: Projection = "ball"
    """How a perturbation is kept inside the radius."""

    dropout: Dropout = "fresh"
    """Dropout masks of the passes; off: none in the ascents."""

    constant: Constant = "each"
    """What the divergence does not learn through."""

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: clean, and the divergence at the last perturbation."""
        clean = attack.outputs(dropout="same" if self.dropout == "same" else "fresh")
        places = attack.places
        delta = start = self.noise_scale * attack.normal("start")
        for _ in range(self.steps):
            gradient = attack.gradient(
                delta, lambda said: attack.divergence(clean, said), dropout=self.dropout
            )
            moved = delta + self.step_size * normalised(gradient, places, self.norm, self.over)
            delta = projected(moved, self.epsilon, places, self.norm, self.over, self.projection)
        said = attack.outputs(delta, dropout="same" if self.dropout == "same" else "fresh", detached=True)
        loss = attack.loss(clean) + self.weight * attack.symmetric(clean, said, self.constant)
        yield Pass(loss, clean, delta=delta, start=start)
