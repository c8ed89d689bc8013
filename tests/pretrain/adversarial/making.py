"""A classifier under attack: a tiny BERT without dropout, and a batch of rows of different lengths."""

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

import torch
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification

from pretrain.adversarial import Adversary, Pass
from pretrain.adversarial_training import AdversarialTraining
from pretrain.judge import ModelJudge
from tests.pretrain.adversarial.by_hand import Deltas, Rows

Model: TypeAlias = Any  # of transformers
Shift: TypeAlias = Any

CLS, SEP, WORDS = 1, 2, 20
LENGTHS = (9, 5, 7)
SPECIAL = (CLS, SEP)


def make_model(dropout: float = 0.0, labels: int = 3, seed: int = 0) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = BertConfig(  # type: ignore[call-arg]
            vocab_size=WORDS,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            num_labels=labels,
            initializer_range=0.2,
        )
        return BertForSequenceClassification(config)


def make_batch(seed: int = 0) -> dict[str, Tensor]:
    dice = torch.Generator().manual_seed(seed)
    rows = [
        [CLS, *torch.randint(3, WORDS, (length - 2,), generator=dice).tolist(), SEP] for length in LENGTHS
    ]
    ids = torch.zeros(len(rows), max(LENGTHS), dtype=torch.long)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "labels": torch.arange(len(rows)) % 3}


def by_hand(model: Model, batch: dict[str, Tensor]) -> Rows:
    """The same model and rows for the reference."""
    rows = zip(batch["input_ids"], batch["attention_mask"].bool(), strict=True)
    ids = [row[real] for row, real in rows]
    return Rows(copy.deepcopy(model).double(), ids, batch["labels"])


def apart(delta: Tensor, batch: dict[str, Tensor]) -> Deltas:
    """A padded perturbation as one of each row, in float64; there is none on pads."""
    mask = batch["attention_mask"].bool()
    assert not delta[~mask].any()
    return [row[real].double() for row, real in zip(delta, mask, strict=True)]


class Watched:
    """An training, and every perturbation that it lets the model see."""

    def __init__(self, model: Model, adversary: Adversary, steps: int | None = None) -> None:
        self.training, self.model = AdversarialTraining(model, adversary, SPECIAL, steps), model
        self.seen: list[Tensor] = []
        assert self.training.embeddings is not None
        self.state: Model = self.training.state
        inner = self.training.embeddings.moved

        def moved(shift: Shift) -> AbstractContextManager[None]:
            if shift.delta is not None:
                self.seen.append(shift.delta.detach().clone())
            return inner(shift)

        self.training.embeddings.moved = moved  # type: ignore[assignment,method-assign]

    def passes(self, batch: dict[str, Tensor], step: int = 0, first_row: int = 0) -> Iterator[Pass[Any]]:
        return self.training.passes(lambda: self.model(**batch), ModelJudge(batch), batch, step, first_row)

    def learn(self, batch: dict[str, Tensor], step: int = 0) -> Tensor:
        """The weights' gradient after all passes of a batch, flat."""
        for one in self.passes(batch, step):
            backward(one.loss)
        return take_gradient(self.model)


def backward(loss: Tensor) -> None:
    loss.backward()  # type: ignore[no-untyped-call]


def take_gradient(model: Model) -> Tensor:
    """The gradient of all weights, flat; cleared."""
    found = [torch.zeros_like(w) if w.grad is None else w.grad for w in model.parameters()]
    flat = torch.cat([one.flatten() for one in found])
    model.zero_grad()
    return flat


def plain_gradient(model: Model, batch: dict[str, Tensor]) -> Tensor:
    model(**batch).loss.backward()
    return take_gradient(model)


def assert_near(found: Tensor, wanted: Tensor, tolerance: float = 2e-5) -> None:
    """Apart by no more than float32's rounding over a few passes."""
    torch.testing.assert_close(found.double(), wanted.double(), rtol=tolerance * 10, atol=tolerance)
