"""What PGD, FreeAT, FreeLB and TextAT share: one perturbation a row, its norm l2 over its true length."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator
from torch import Tensor

from pretrain.adversarial.attack import Adversary, Attack, Places, Said, Work
from pretrain.adversarial.norms import lengths, normalised, projected

Ball = TypeVar("Ball", bound="RowBall")


class RowBall(Adversary):
    """Ascents of a fixed length within a ball around each row's embeddings (arXiv:1909.11764, algorithm 1).

    The norm is that of all numbers of a row's perturbation together (Frobenius); padding counts for nothing.
    A ball of one size is little to one network, and most of a row to another, whose word vectors are shorter:
    hence `unit`. The published radii for BERT-base (arXiv:2004.14543), 0.14 to 0.7, are 0.1 to 0.5 of the
    length of its word vectors, 1.4; the default is near the least, for networks that were trained less.
    """

    steps: Annotated[int, Field(ge=1)] = 3
    """Ascents (K, `adv_steps` in released code)."""

    step_size: Annotated[float, Field(ge=0)] = 0.04
    """Length of one ascent, l2 over the row (`adv_lr`)."""

    epsilon: Annotated[float, Field(ge=0)] | None = 0.12
    """Radius of the ball, l2 over the row (`max_norm`); 0: nothing is moved; null: no bound, which released
    code writes as 0."""

    noise_scale: Annotated[float, Field(ge=0)] = 0.04
    """Size of the uniform start: its numbers are at most this divided by the root of tokens x width
    (`init_mag`). A start outside the ball is put back on it; those of the published settings lie inside."""

    unit: Literal["word", "absolute"] = "word"
    """Of the three above. word: the length of the network's word vectors at that step (the root mean square
    over its vocabulary), so that they mean the same to networks of any width. absolute: they are taken as
    they are, as in the papers and their code."""

    @model_validator(mode="after")
    def _measures_what_it_moves(self) -> "RowBall":
        if self.level != "words" and self.unit == "word":
            raise ValueError(
                f"unit: word is the length of word vectors, and level: {self.level} moves others: "
                "set unit to absolute"
            )
        return self

    def sized(self: Ball, attack: Attack[Said]) -> Ball:
        """The same settings in absolute lengths, as they are for this network."""
        if self.unit == "absolute":
            return self
        names = ("step_size", "noise_scale", *(() if self.epsilon is None else ("epsilon",)))
        sizes = {name: getattr(self, name) * attack.word_length for name in names}
        return self.model_copy(update={"unit": "absolute", **sizes})

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
