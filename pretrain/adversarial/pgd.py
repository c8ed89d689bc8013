"""K-PGD: learn at the worst point of a ball around the embeddings (arXiv:1706.06083; for text 1909.11764)."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from pretrain.adversarial.attack import Adversary, Attack, Pass, Said
from pretrain.adversarial.norms import lengths, normalised, projected


class Pgd(Adversary):
    """Some ascents of the task's loss by `autograd.grad`, then one pass at the last perturbation.

    One perturbation a row, its norm l2 over the row's movable tokens.
    """

    method: Literal["pgd"] = "pgd"
    """Learn at the perturbation alone, after some ascents of the loss."""

    steps: Annotated[int, Field(ge=1)] = 3
    """Ascents; each costs a forward and half a backward pass."""

    step_size: Annotated[float, Field(gt=0)] = 0.1
    """Length of one ascent, l2 over the row."""

    epsilon: Annotated[float, Field(ge=0)] = 0.3
    """Radius of the ball, l2 over the row; 0: nothing is perturbed."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.1
    """Size of the uniform start: its coordinates are up to this, divided by the root of tokens x width."""

    dropout: Literal["fresh", "same"] = "fresh"
    """Dropout masks of the passes of one micro-batch."""

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: that of the task at the last perturbation."""
        places = attack.places
        noise = attack.uniform("start")
        start = noise * self.noise_scale / (lengths(places) * noise.shape[-1]).sqrt()
        delta = start = projected(start, self.epsilon, places, "l2", "sequence")
        for _ in range(self.steps):
            gradient = attack.gradient(delta, attack.loss, dropout=self.dropout)
            moved = delta + self.step_size * normalised(gradient, places, "l2", "sequence")
            delta = projected(moved, self.epsilon, places, "l2", "sequence")
        said = attack.outputs(delta, dropout=self.dropout)
        yield Pass(attack.loss(said), said, delta=delta, start=start)
