"""K-PGD: learn at the worst point of a ball around the embeddings (arXiv:1706.06083; for text 1909.11764)."""

from collections.abc import Iterator
from typing import Any, Literal

from pretrain.adversarial.attack import Attack, Dropout, Pass, Said, Work
from pretrain.adversarial.ball import RowBall


class Pgd(RowBall):
    """Some ascents of the task's loss by `autograd.grad`, then one pass at the last perturbation."""

    method: Literal["pgd"] = "pgd"
    """Learn at the perturbation alone, after some ascents of the loss; each costs a forward pass and a
    backward pass to the embeddings."""

    dropout: Dropout = "same"
    """Dropout masks of the passes of one micro-batch; the released code keeps the first ones. off: none in
    the ascents."""

    @property
    def work(self) -> Work:
        """The ascents and a pass."""
        return Work(moved=1, ascents=self.steps)

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """One loss: that of the task at the last perturbation."""
        ball = self.sized(attack)
        delta = start = ball.start(attack)
        for _ in range(self.steps):
            gradient = attack.gradient(delta, attack.loss, dropout=self.dropout)
            delta = ball.climbed(delta, gradient, attack.places)
        said = attack.outputs(delta, dropout=self.learning_dropout)
        yield Pass(attack.loss(said), said, delta=delta, start=start)
