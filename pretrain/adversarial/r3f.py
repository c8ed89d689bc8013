"""R3F: predictions that noise does not change (arXiv:2008.03156). No ascent: the control of the others."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from pretrain.adversarial.attack import Adversary, Attack, Constant, Noise, Pass, Said, Work


class R3f(Adversary):
    """The task's loss, and `weight` times the symmetric divergence between clean and noised predictions.

    What an adversary gains over this one, its ascents have gained.
    """

    method: Literal["r3f"] = "r3f"
    """Regularise by the divergence under random noise: what any adversarial method has to beat."""

    weight: Annotated[float, Field(ge=0)] = 1.0
    """Factor of the divergence in the loss; 0.7 in the released settings for RTE."""

    noise: Noise = "uniform"
    """Its kind."""

    noise_scale: Annotated[float, Field(ge=0)] = 1e-5
    """Largest number of the uniform noise, standard deviation of the normal one."""

    detached: bool = True
    """Whether the embeddings learn from the clean pass alone; the released code noises a copy of them."""

    constant: Constant = "none"
    """What the divergence does not learn through: nothing, as released."""

    @property
    def work(self) -> Work:
        """A clean pass and a noised one."""
        return Work(clean=1, moved=1)

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: clean, and the divergence under noise."""
        clean = attack.outputs(dropout=self.learning_dropout)
        delta = self.noise_scale * attack.noise(self.noise, "start")
        said = attack.outputs(delta, dropout=self.learning_dropout, detached=self.detached)
        divergence = attack.symmetric(clean, said, self.constant)
        yield Pass(
            attack.loss(clean) + self.weight * divergence,
            clean,
            delta=delta,
            start=delta,
            noted={"divergence": divergence.detach()},
        )
