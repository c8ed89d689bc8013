"""TextAT: FreeLB with a perturbation of its own for each token of the vocabulary (arXiv:2004.14543)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from pydantic import field_validator
from torch import Tensor, nn

from pretrain.adversarial.attack import Attack, Level, Pass, Places, Said
from pretrain.adversarial.ball import RowBall
from pretrain.adversarial.norms import TINY, normalised, sizes, word_length


@dataclass
class Table:
    """What each token of the vocabulary was moved by when it was last seen.

    No parameter: no optimizer moves it and nothing decays it. What the micro-batches of one step make of it
    counts from the next step on, so their order and size do not matter. Each process has its own.
    """

    values: Tensor  # (vocab, width) float32
    step: int = -1  # of `seen`
    seen: list[tuple[Tensor, Tensor]] = field(default_factory=list)  # tokens (places,), moved (places, width)

    def turn(self, step: int, released: bool) -> None:
        """Put what was seen in an earlier step into the table.

        A row becomes the mean over its token's places; `released`: each place is added to it.
        """
        if self.seen and step != self.step:
            tokens, moved = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
            rows, row = tokens.unique(return_inverse=True)  # type: ignore[no-untyped-call]
            sums = moved.new_zeros(len(rows), moved.shape[-1]).index_add_(0, row, moved)
            self.values[rows] = self.values[rows] + sums if released else sums / row.bincount()[:, None]
            self.seen.clear()
        self.step = step


class TextAt(RowBall):
    """A perturbation of each row, as FreeLB's, and one of each token, which a table carries on.

    The token's part climbs by itself, and is then scaled by its norm over the row's largest: tokens that
    matter move most. Both parts together stay in the ball, at the start too, but with `released`. The
    published formula leaves open whether that scale is taken before or after the ascent; after it, as
    released.
    """

    method: Literal["text_at"] = "text_at"
    """As FreeLB, with the perturbation of each token of the vocabulary carried from batch to batch."""

    profile: Literal["paper", "released"] = "paper"
    """released: as TAVAT's code. The tokens' part is divided by its norm over the whole micro-batch, takes in
    [CLS], [SEP] and padding, and is added to the table, once for every place; the first pass may be outside
    the ball; the loss is summed over the passes, not averaged; the last pass is followed by no ascent."""

    @field_validator("level")
    @classmethod
    def _of_words(cls, level: Level) -> Level:
        if level != "words":
            raise ValueError(f"is {level}, but text_at keeps a table of words: leave level out")
        return level

    def begin(self, network: nn.Module, steps: int | None = None) -> Table:
        """The table: uniform, its numbers up to `noise_scale` / sqrt(width), in `unit`. Draws from torch."""
        words: Tensor = network.get_input_embeddings().weight  # type: ignore[operator]
        values = torch.empty(words.shape, dtype=torch.float32, device=words.device).uniform_(-1, 1)
        unit = word_length(words) if self.unit == "word" else 1.0
        return Table(values * self.noise_scale * unit / values.shape[-1] ** 0.5)

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """The loss of every pass, divided by their number; then the table is told."""
        table: Table = state
        ball = self.sized(attack)
        released, places = self.profile == "released", attack.places
        own = torch.ones_like(places.movable) if released else places.movable & ~places.special
        table.turn(attack.step, released)
        row, token = ball.start(attack), self._looked_up(table, places, own)
        if not released:
            row, token = ball.shrunk(row, token, places)
        start = row + token
        for number in range(self.steps):
            delta, last = (row + token).requires_grad_(), number == self.steps - 1
            said = attack.outputs(delta, dropout=self.learning_dropout)
            loss = attack.loss(said) / (1 if released else self.steps)
            yield Pass(loss, said, last=last, delta=delta.detach(), start=start)
            if delta.grad is not None and not (last and released):
                row, token = ball.both_climbed(row, token, delta.grad, places, own)
        table.seen.append((places.tokens[own], token[own]))

    def both_climbed(
        self, row: Tensor, token: Tensor, gradient: Tensor, places: Places, own: Tensor
    ) -> tuple[Tensor, Tensor]:
        """One ascent of the row's part and of the tokens' part, which is then weighed by its sizes."""
        row = row + self.step_size * normalised(gradient, places, over="sequence")
        token = token + self.step_size * normalised(gradient * own[..., None], places)
        size = sizes(token, places)
        token = token * size / sizes(size, places, "linf", "sequence").clamp_min(TINY)
        return self.shrunk(row, token, places)

    def shrunk(self, row: Tensor, token: Tensor, places: Places) -> tuple[Tensor, Tensor]:
        """Both parts, scaled alike so that their sum is in the ball."""
        if self.epsilon is None:
            return row, token
        size = sizes(row + token, places, over="sequence").clamp_min(TINY)
        factor = (self.epsilon / size).clamp_max(1.0)
        return row * factor, token * factor

    def _looked_up(self, table: Table, places: Places, own: Tensor) -> Tensor:
        """The tokens' part as the table has it, (..., width)."""
        found = table.values[places.tokens] * own[..., None]
        return found / found.norm() if self.profile == "released" else found
