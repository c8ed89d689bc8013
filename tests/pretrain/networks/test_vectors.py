"""Rows for new tokens, and rows that no token has: what the network says of others stays as it was."""

from typing import Any

import pytest
import torch
from torch import Tensor

from corpora.errors import UsageError
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.networks.network import Network
from pretrain.networks.vectors import SILENT, grow, silence
from tests.pretrain.encoders import PROMISED, TYPES, tiny
from tests.pretrain.toys import toy_batch
from tests.tokenization.making import SIZE
from tokenization.vocabulary import Extension, Vocabulary

UNTIED = {"tie_word_embeddings": False}
NEW = ((SIZE, (5, 6)), (SIZE + 1, (7, 8, 9)), (SIZE + 2, (1,)))
ROWS = SIZE + 7


def vocabulary(extended: bool = True, size: int = ROWS) -> Vocabulary:
    tokens = SIZE + len(NEW) * extended
    return Vocabulary(
        digest="new",
        size=size,
        pad_id=0,
        unk_id=1,
        cls_id=2,
        sep_id=3,
        mask_id=4,
        special_ids=(0, 1, 2, 3, 4),
        unused_ids=(),
        empty_ids=tuple(range(tokens, size)),
        extension=Extension("old", NEW) if extended else None,
    )


NAMES = (*TYPES, "deberta-v3")


def network(name: str = "bert", rows: int = SIZE, **changes: bool) -> HuggingFaceModel:
    return tiny(name, rows, **changes)


@torch.no_grad()
def logits(model: HuggingFaceModel) -> Tensor:
    said: Tensor = Network(model).eval()(toy_batch(4, 0)).tokens
    return said


@pytest.mark.parametrize(
    ("model_type", "changes"),
    [*((name, {}) for name in NAMES), *((name, UNTIED) for name in PROMISED)],
    ids=[*NAMES, *(f"{name}-untied" for name in PROMISED)],
)
def test_old_tokens_keep_their_logits_and_new_ones_have_the_mean(
    model_type: str, changes: dict[str, Any]
) -> None:
    model = network(model_type, **changes)
    tied = len(list(model.parameters())), len(model.state_dict())
    before = logits(model)
    assert grow(model, vocabulary(), extended=True)
    after = logits(model)
    assert model.config.vocab_size == ROWS == after.shape[1]
    assert (len(list(model.parameters())), len(model.state_dict())) == tied
    torch.testing.assert_close(after[:, :SIZE], before, rtol=1e-5, atol=1e-5)
    for number, spelling in NEW:
        torch.testing.assert_close(after[:, number], before[:, list(spelling)].mean(1))
        inputs = model.get_input_embeddings().weight
        torch.testing.assert_close(inputs[number], inputs[list(spelling)].mean(0))


@pytest.mark.parametrize("model_type", NAMES)
def test_empty_rows_change_no_loss_and_get_no_gradient(model_type: str) -> None:
    plain, padded = network(model_type), network(model_type)
    grow(padded, vocabulary(extended=False), extended=False)
    batch = toy_batch(4, 0)
    losses = [
        torch.nn.functional.cross_entropy(Network(model)(batch).tokens, batch.masked_targets)
        for model in (plain, padded)
    ]
    torch.testing.assert_close(losses[1], losses[0])
    losses[1].backward()  # type: ignore[no-untyped-call]
    rows = [one for one in padded.parameters() if len(one) == ROWS]
    assert len(rows) >= 2
    for tensor in rows:
        assert not tensor.grad[SIZE:].any()
        assert tensor.grad[:SIZE].any()
    assert [one[SIZE:].unique().tolist() for one in rows if one.ndim == 1] == [[SILENT]]


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_an_empty_row_is_silent_in_every_precision(precision: torch.dtype) -> None:
    scores = torch.tensor([0.0, SILENT]).to(precision)
    assert torch.isfinite(scores).all()
    assert scores.softmax(0).tolist() == [1.0, 0.0]


def test_rows_that_a_padded_network_had_are_set_too() -> None:
    model = network(rows=ROWS)
    before = logits(model)
    assert grow(model, vocabulary(), extended=True)
    after = logits(model)
    torch.testing.assert_close(after[:, SIZE], before[:, [5, 6]].mean(1))
    untouched = [number for number in range(ROWS) if number not in dict(NEW)]
    assert torch.equal(after[:, untouched], before[:, untouched])


def test_a_network_that_knows_the_new_tokens_already_keeps_them() -> None:
    model = network(rows=ROWS)
    before = logits(model)
    assert not grow(model, vocabulary(), extended=False)
    assert torch.equal(logits(model), before)


def test_a_fresh_network_never_says_an_empty_row() -> None:
    model = network(rows=ROWS)
    silence(model, vocabulary().empty_ids)
    silence(model, ())
    assert (logits(model).argmax(1) < SIZE + len(NEW)).all()
    assert (logits(model)[:, SIZE + len(NEW) :] < -1e3).all()


def test_a_head_without_a_bias_cannot_be_kept_from_empty_rows() -> None:
    model = network("modernbert", decoder_bias=False)
    grow(model, vocabulary(size=SIZE + len(NEW)), extended=True)  # all of these have a token
    with pytest.raises(UsageError, match=r"modernbert network has no bias, .* the 4 rows that have no token"):
        grow(network("modernbert", decoder_bias=False), vocabulary(), extended=True)
