"""FreeLB: learn at every point of the way up, the weights' gradients averaged (arXiv:1909.11764)."""

from collections.abc import Iterator
from typing import Any, Literal

from pretrain.adversarial.attack import Attack, Dropout, Pass, Said, Work
from pretrain.adversarial.ball import RowBall


class FreeLb(RowBall):
    """One backward pass gives both gradients: that of the weights is kept, that of delta leads on.

    The first pass sees the random start, no pass the clean rows (unless `noise_scale` is 0).
    """

    method: Literal["freelb"] = "freelb"
    """Learn from the mean loss over all points of the ascent; updates once, costs as many plain steps as
    there are passes."""

    counting: Literal["ascents", "passes"] = "ascents"
    """What `steps` counts. ascents: as the released fairseq code, K of them, so K + 1 passes. passes: as the
    paper's algorithm and the released transformers code, K of them, so K - 1 ascents."""

    dropout: Dropout = "same"
    """Dropout masks of the passes of one micro-batch; same: as published, so that they differ by the
    perturbation alone."""

    @property
    def work(self) -> Work:
        """All passes, one more than there are ascents."""
        return Work(moved=self.steps + (self.counting == "ascents"))

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """The loss of every pass, divided by their number."""
        count = int(self.work.moved)
        ball = self.sized(attack)
        delta = start = ball.start(attack)
        for number in range(count):
            delta.requires_grad_()
            said, last = attack.outputs(delta, dropout=self.learning_dropout), number == count - 1
            yield Pass(attack.loss(said) / count, said, last=last, delta=delta.detach(), start=start)
            if not last and delta.grad is not None:
                delta = ball.climbed(delta.detach(), delta.grad, attack.places)
