"""What adversaries share: what one of them sees of a micro-batch, and what it makes of it.

An adversary moves the embeddings of a micro-batch by a perturbation delta, and says by which losses the
network is to learn. It knows nothing of networks and engines: an *attack* runs them for it. One attack is one
micro-batch of one step; pre-training, fine-tuning and a plain loop each make their own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn

from corpora.settings import Settings

Said = TypeVar("Said")  # what a network says of a micro-batch: logits, or several of them

Level = Literal["words", "embeddings"]
"""Where a perturbation is added. words: to what the word table gives, before positions, segments and
LayerNorm. embeddings: to what the embedding block gives, after LayerNorm and dropout."""

Dropout = Literal["fresh", "same", "off"]
"""Masks of a pass: fresh ones, those of the micro-batch's first pass, or none."""

Noise = Literal["normal", "uniform"]
"""normal: N(0, 1). uniform: U(-1, 1)."""

Norm = Literal["linf", "l2"]
Over = Literal["token", "sequence"]
"""What has a norm of its own: each token, or each row over its movable tokens."""

Constant = Literal["each", "first", "none"]
"""What a divergence does not learn through. each: in either direction, that which is the target. first: the
first one always. none: nothing."""


@dataclass(frozen=True)
class Places:
    """Positions of a micro-batch as the network reads them: (batch, length), or (1, tokens) end to end."""

    tokens: Tensor  # (...) int64 ids
    movable: Tensor  # (...) bool: where a perturbation may be, never on a pad
    special: Tensor  # (...) bool: [CLS], [SEP] and their like, padding
    sequence: Tensor  # (...) int64 number of the row that each position belongs to
    sequences: int


class Attack(Protocol[Said]):
    """One micro-batch of one step, to be run with and without a perturbation of its embeddings."""

    step: int  # of training, from 0

    @property
    def places(self) -> Places:
        """What stands where, and where a perturbation may be."""

    @property
    def embedded(self) -> Tensor:
        """The embeddings at the adversary's level, (..., width) float32, cut off: of the first clean pass.

        Before any pass: zeros of that shape.
        """

    @property
    def word_length(self) -> float:
        """Length of a vector of the word table as it is: the root mean square over the vocabulary."""

    def noise(self, kind: Noise, purpose: str) -> Tensor:
        """Drawn for each row, a function of step, row and purpose: (..., width) float32, 0 on what stays."""

    def outputs(
        self, delta: Tensor | None = None, *, dropout: Dropout = "fresh", detached: bool = False
    ) -> Said:
        """What the network says, its embeddings moved by `delta`; `detached`: they do not learn from it.

        A delta that requires a gradient gets one from the pass's loss, times a positive factor (loss scale).
        """

    def gradient(
        self, delta: Tensor, measure: Callable[[Said], Tensor], *, dropout: Dropout = "fresh"
    ) -> Tensor:
        """The gradient of a measure of what is said at `delta`, by delta alone; float32, of its shape.

        The network's parameters are frozen meanwhile: theirs is neither computed nor sent anywhere.
        """

    def loss(self, said: Said) -> Tensor:
        """The task's loss, scalar, divided by its denominators: it adds up over micro-batches and ranks."""

    def divergence(self, target: Said, said: Said) -> Tensor:
        """KL(target || said), of the kind that suits the task, divided likewise. The target is constant."""

    def symmetric(self, one: Said, other: Said, constant: Constant = "each") -> Tensor:
        """KL(one || other) + KL(other || one), divided likewise."""

    def anywhere(self, flag: Tensor) -> Tensor:
        """Whether a flag (a bool scalar) is set in this micro-batch of any process."""


@dataclass(frozen=True)
class Pass(Generic[Said]):
    """One loss of a micro-batch, to be differentiated before the adversary goes on."""

    loss: Tensor  # scalar
    said: Said  # to report the task's measures of
    last: bool = True  # of this micro-batch
    delta: Tensor | None = None  # where the perturbation ended, (..., width) float32
    start: Tensor | None = None  # where it began
    noted: Mapping[str, Tensor] = field(default_factory=dict)  # scalars that add up likewise


class Work(NamedTuple):
    """What an adversarial step runs, in passes of all its rows; training by none runs one clean pass."""

    clean: float = 0.0  # forward and back
    moved: float = 0.0  # the same, the embeddings perturbed
    ascents: float = 0.0  # forward, and back to the perturbation alone
    watched: float = 0.0  # forward, nothing perturbed

    @property
    def passes(self) -> float:
        """In passes of plain training: a backward pass is two forward ones, back to activations alone one."""
        return self.clean + self.moved + 2 / 3 * self.ascents + 1 / 3 * self.watched


class Adversary(Settings):
    """What a member of the family answers."""

    updates_each_pass: ClassVar[bool] = False
    """Whether the weights are updated after every pass, not after the last one alone."""

    level: Level = "words"
    """Where the perturbation is added. words: to what the word table gives. embeddings: to what the embedding
    block gives, after LayerNorm and dropout."""

    specials: bool = True
    """Whether special tokens, such as [CLS] and [SEP], are perturbed too. Padding never is."""

    dropout: Dropout = "fresh"
    """Dropout masks of a micro-batch's passes. fresh: each draws its own. same: all have those of the first.
    off: none in the ascents, fresh ones in the passes that are learnt from."""

    start_step: Annotated[int, Field(ge=0)] = 0
    """Steps of plain training before the first adversarial one."""

    every: Annotated[int, Field(ge=1)] = 1
    """Be adversarial in every so many steps; the others are plain."""

    def due(self, step: int) -> bool:
        """Whether a step, counted from 0, is adversarial."""
        return step >= self.start_step and (step - self.start_step) % self.every == 0

    @property
    def learning_dropout(self) -> Dropout:
        """That of the passes that are learnt from."""
        return "same" if self.dropout == "same" else "fresh"

    @property
    def ball(self) -> tuple[Norm, Over]:
        """The norm that bounds a perturbation, and what has one of its own."""
        return "l2", "sequence"

    @property
    def everywhere(self) -> bool:
        """Whether predictions at all tokens are compared, not only at those that are asked."""
        return False

    @property
    def share(self) -> float:
        """Share of the rows that are attacked."""
        return 1.0

    @property
    def work(self) -> Work:
        """What a step runs that is due; not what is repeated for precision, or measured."""
        raise NotImplementedError

    def cost(self, steps: int) -> float:
        """Of a step in passes of plain training: the mean over so many steps, due or not."""
        due = len(range(self.start_step, steps, self.every)) if self.due(self.start_step) else 0
        return 1 + (self.work.passes - 1) * due / steps

    def exact(self, halves: bool) -> bool:
        """Whether ascents are computed in float32 where the network computes in half precision."""
        return False

    def examines(self, step: int) -> bool:
        """Whether what the perturbation does is measured at a step."""
        return False

    def begin(self, network: nn.Module, steps: int | None = None) -> Any:  # noqa: ANN401 - each member's own
        """What this method keeps from step to step; handed to `passes`. `steps` of training, where known."""
        return None

    def passes(self, attack: Attack[Said], state: Any = None) -> Iterator[Pass[Said]]:  # noqa: ANN401
        """The losses of a micro-batch. Each must be differentiated before the next one is asked for."""
        raise NotImplementedError


def drawn(kind: Noise, tokens: int, width: int, device: torch.device, seed: int) -> Tensor:
    """Noise of one row, (tokens, width) float32."""
    dice = torch.Generator(device)
    dice.manual_seed(seed)
    room = torch.empty(tokens, width, device=device)
    return room.normal_(generator=dice) if kind == "normal" else room.uniform_(-1, 1, generator=dice)


def settled(attack: Attack[Said], delta: Tensor) -> tuple[Tensor, Tensor]:
    """The perturbation, or nothing where it is no number in any process; and whether that is so, 1 or 0.

    All processes do the same, and go on to the same passes.
    """
    lost = attack.anywhere(~delta.isfinite().all())
    return torch.where(lost, 0.0, delta), lost.float()


def plain(attack: Attack[Said]) -> Iterator[Pass[Said]]:
    """Training without an adversary: the task's loss of one clean pass."""
    said = attack.outputs()
    yield Pass(attack.loss(said), said)
