"""Adversaries on any model of `transformers`: in a loop of one's own, in its Trainer, in fine-tuning.

    training = AdversarialTraining(model, FreeLb(steps=3), tokenizer.all_special_ids)
    for step, batch in enumerate(batches):  # on the model's device, `labels` among them
        for loss in training.losses(batch, step):
            loss.backward()
        optimizer.step(), optimizer.zero_grad()

(With FreeAT, whose weights move at every pass, the last line stands inside the loop over losses.)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

from corpora.errors import UsageError
from pretrain.adversarial import Adversary, Pass, Places, plain
from pretrain.adversarial.attack import Constant, Dropout, Noise, Said, drawn
from pretrain.adversarial.norms import word_length
from pretrain.dropout import Masks
from pretrain.judge import ModelJudge
from pretrain.networks.perturbing import Embeddings, Shift, frozen, width
from pretrain.randomness import torch_seed

Asked = TypeVar("Asked", contravariant=True)

Inputs = Mapping[str, Tensor]
"""What a model is called with: `input_ids`, perhaps `attention_mask`, both (batch, length), and more."""


class Judge(Protocol[Asked]):
    """How what is said of a micro-batch is judged: each a mean, or this micro-batch's part of one."""

    def loss(self, said: Asked) -> Tensor:
        """The task's loss."""

    def divergence(self, target: Asked, said: Asked) -> Tensor:
        """How far what is said is from a target that is constant."""

    def symmetric(self, one: Asked, other: Asked, constant: Constant = "each") -> Tensor:
        """The same in both directions."""


class AdversarialTraining:
    """A model under attack by one adversary, for the length of a training; by none, it trains plainly."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - a PreTrainedModel
        adversary: Adversary | None,
        special_ids: Sequence[int] = (),
        steps: int | None = None,
        seed: int = 0,
        precision: torch.dtype | None = None,
    ) -> None:
        """Hook into the model, for good, and begin what the adversary keeps from step to step.

        `special_ids` are those of [CLS], [SEP] and their like; `steps` those of the whole training; with a
        `precision` the model runs under autocast.

        Raises:
            UsageError: the model has no embeddings where the adversary moves them, or it is one that attacks
                part of the rows or positions.
        """
        if adversary and (adversary.share < 1 or adversary.everywhere):
            raise UsageError(
                f"{type(adversary).__name__}: rows and scope are for pre-training; leave them out"
            )
        self.model, self.adversary, self.seed, self.precision = model, adversary, seed, precision
        self.special_ids = tuple(special_ids)
        self.exact = adversary is not None and adversary.exact(precision is not None)
        self.scale = 1.0  # of losses before their gradient is taken: in fp16, small ones would be 0
        self.cost = 0.0  # so far, in passes of plain training: a backward pass is two forward ones
        self.width = width(model)
        self.embeddings = Embeddings(model, adversary.level) if adversary else None
        self.state = adversary.begin(model, steps) if adversary else None

    def losses(self, batch: Inputs, step: int) -> Iterator[Tensor]:
        """The losses of a batch with its `labels`. Differentiate each before the next one is drawn."""
        for one in self.passes(lambda: self.model(**batch), ModelJudge(batch), batch, step):
            yield one.loss

    def passes(
        self, run: Callable[[], Said], judge: Judge[Said], batch: Inputs, step: int, first_row: int = 0
    ) -> Iterator[Pass[Said]]:
        """Those of one micro-batch, whose first row is number `first_row` of its step."""
        attack = ModelAttack(self, run, judge, batch, step, first_row)
        if self.adversary is None or not self.adversary.due(step):
            return plain(attack)
        return self.adversary.passes(attack, self.state)


class ModelAttack(Generic[Said]):
    """An `Attack` on one micro-batch (see `pretrain.adversarial.attack`)."""

    def __init__(
        self,
        training: AdversarialTraining,
        run: Callable[[], Said],
        judge: Judge[Said],
        batch: Inputs,
        step: int,
        first_row: int,
    ) -> None:
        """Nothing is run yet."""
        self.step = step
        self._training, self._run, self._judge = training, run, judge
        self._batch, self._first_row = batch, first_row
        self._climbing = False
        self._dropout = Masks(training.model, batch["input_ids"].device)

    @cached_property
    def places(self) -> Places:
        """Rows as they are, (batch, length)."""
        ids = self._batch["input_ids"]
        mask = self._batch.get("attention_mask")
        real = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()
        special = torch.isin(ids, torch.tensor(self._training.special_ids, device=ids.device)) | ~real
        adversary = self._training.adversary
        movable = real if adversary is None or adversary.specials else ~special
        row = torch.arange(len(ids), device=ids.device)[:, None].expand_as(ids)
        return Places(tokens=ids, movable=movable, special=special, sequence=row, sequences=len(ids))

    @property
    def embedded(self) -> Tensor:
        """Of the last clean pass, (batch, length, width); before any, zeros."""
        embeddings = self._training.embeddings
        return self._zeros() if embeddings is None or embeddings.clean is None else embeddings.clean

    @cached_property
    def word_length(self) -> float:
        """That of the model's word vectors."""
        return word_length(self._training.model.get_input_embeddings().weight)

    def noise(self, kind: Noise, purpose: str) -> Tensor:
        """Each row's own draws, whichever micro-batch it is in and however it is padded."""
        found, seed = self._zeros(), self._training.seed
        for row, mine in enumerate(self.places.movable, self._first_row):
            key = torch_seed(seed, purpose, self.step, row)
            found[row - self._first_row, mine] = drawn(
                kind, int(mine.sum()), self._training.width, found.device, key
            )
        return found

    def outputs(
        self, delta: Tensor | None = None, *, dropout: Dropout = "fresh", detached: bool = False
    ) -> Said:
        """One forward pass."""
        self._training.cost += 1.0 if torch.is_grad_enabled() else 1 / 3
        return self._pass(Shift(delta, detached), dropout)

    def gradient(
        self, delta: Tensor, measure: Callable[[Said], Tensor], *, dropout: Dropout = "fresh"
    ) -> Tensor:
        """By delta alone; the parameters are frozen meanwhile."""
        self._training.cost += 2 / 3
        leaf = delta.detach().requires_grad_()
        with frozen(self._training.model):
            said = self._pass(Shift(leaf, exact=self._training.exact), dropout)
            self._climbing = True
            (gradient,) = torch.autograd.grad(self._training.scale * measure(said), leaf)
            self._climbing = False
        return gradient / self._training.scale

    def loss(self, said: Said) -> Tensor:
        """The task's loss."""
        return self._judge.loss(said)

    def divergence(self, target: Said, said: Said) -> Tensor:
        """From a constant target."""
        return self._judge.divergence(self._compared(target), said)

    def symmetric(self, one: Said, other: Said, constant: Constant = "each") -> Tensor:
        """In both directions."""
        return self._judge.symmetric(self._compared(one), other, constant)

    def anywhere(self, flag: Tensor) -> Tensor:
        """Asked of all processes, where there are several."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            flags = flag.float()
            torch.distributed.all_reduce(flags)
            flag = flags > 0
        return flag

    def _pass(self, shift: Shift, dropout: Dropout) -> Said:
        training = self._training
        halves = None if shift.exact else training.precision
        with (
            self._dropout.of(dropout),
            training.embeddings.moved(shift) if training.embeddings else nullcontext(),
            torch.autocast(self._dropout.device.type, halves, halves is not None),
        ):
            return self._run()

    def _compared(self, clean: Said) -> Said:
        """What a pass is compared with: in exact ascents, the first clean pass as it would have been exactly.

        Between two precisions a divergence would be of rounding.
        """
        return self._exact_clean if self._climbing and self._training.exact else clean

    @cached_property
    def _exact_clean(self) -> Said:
        """The first pass once more, in float32."""
        self._training.cost += 1 / 3
        with torch.no_grad():
            return self._pass(Shift(exact=True), "same")

    def _zeros(self) -> Tensor:
        ids = self._batch["input_ids"]
        return torch.zeros(*ids.shape, self._training.width, device=ids.device)
