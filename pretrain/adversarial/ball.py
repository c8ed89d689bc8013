"""What PGD, FreeAT and FreeLB share: one perturbation a row, its norm l2 over the row's true length."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from pretrain.adversarial.attack import Adversary, Attack, Places, Said, Work
from pretrain.adversarial.norms import lengths, normalised, projected


class RowBall(Adversary):
    """Ascents of a fixed length within a ball around each row's embeddings (arXiv:1909.11764, algorithm 1).

    The norm is that of all numbers of a row's perturbation together (Frobenius); padding counts for nothing.
    """

    steps: Annotated[int, Field(ge=1)] = 3
    """Ascents (K, `adv_steps` in released code)."""

    step_size: Annotated[float, Field(ge=0)] = 0.1
    """Length of one ascent, l2 over the row (`adv_lr`)."""

    epsilon: Annotated[float, Field(ge=0)] | None = 0.3
    """Radius of the ball, l2 over the row (`max_norm`); 0: nothing is moved; null: no bound, which released
    code writes as 0."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.1
    """Size of the uniform start: its numbers are at most this divided by the root of tokens x width
    (`init_mag`). A start outside the ball is put back on it; those of the published settings lie inside."""

    @property
    def work(self) -> Work:
        """A pass for each step: one way back gives both gradients."""
        return Work(moved=self.steps)

    def start(self, attack: Attack[Said]) -> Tensor:
        """The first perturbation, (..., width)."""
        noise = attack.noise("uniform", "start")
        sides = (lengths(attack.places) * noise.shape[-1]).sqrt()
        return self.within(noise * self.noise_scale / sides, attack.places)

    def climbed(self, delta: Tensor, gradient: Tensor, places: Places) -> Tensor:
        """One ascent from `delta`, back into the ball; the gradient's own size does not matter."""
        return self.within(delta + self.step_size * normalised(gradient, places, over="sequence"), places)

    def within(self, delta: Tensor, places: Places) -> Tensor:
        """The nearest perturbation in the ball."""
        return delta if self.epsilon is None else projected(delta, self.epsilon, places, over="sequence")
