"""FreeAT: each batch replayed, an update of the weights at every ascent (arXiv:1904.12843)."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pretrain.adversarial.attack import Attack, Pass, Said
from pretrain.adversarial.ball import RowBall


class FreeAt(RowBall):
    """One backward pass gives both gradients, and both are followed at once.

    The perturbation is carried on over the replays of a batch, and begins anew with the next one. The
    released code divides each loss by K + 1, of which Adam sees nothing.
    """

    updates_each_pass: ClassVar[bool] = True

    method: Literal["free_at"] = "free_at"
    """Replay each batch `steps` times, with an update and an ascent each time: a step costs `steps` plain
    ones and makes as many updates, so divide `epochs` by `steps` for the budget of plain training."""

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """The whole loss of every replay."""
        ball = self.sized(attack)
        delta = start = ball.start(attack)
        for number in range(self.steps):
            delta.requires_grad_()
            said, last = attack.outputs(delta, dropout=self.learning_dropout), number == self.steps - 1
            yield Pass(attack.loss(said), said, last=last, delta=delta.detach(), start=start)
            if not last and delta.grad is not None:
                delta = ball.climbed(delta.detach(), delta.grad, attack.places)
