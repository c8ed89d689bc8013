import dataclasses

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from corpora.errors import UsageError
from pretrain.networks.architectures import PAIRED, reads_segments, token_logits
from pretrain.networks.network import Model, Network, build, check_fit, check_head
from tests.pretrain.encoders import TYPES, tiny
from tests.pretrain.toys import NETWORK, toy_batch, toy_network
from tests.tokenization.making import SIZE


@pytest.mark.parametrize("name", [*TYPES, "deberta-v3"])
def test_logits_are_those_of_the_whole_model_at_the_masked_positions(name: str) -> None:
    model, batch = tiny(name), toy_batch(4, 0)
    network = Network(model).eval()
    segments = {"token_type_ids": batch.token_type_ids} if reads_segments(model) else {}
    mask = batch.attention_mask.long()
    with torch.no_grad():
        said = network(batch).tokens
        whole = model(input_ids=batch.input_ids, attention_mask=mask, **segments).logits
    assert whole.shape == (4, 16, SIZE)  # the hook is at rest outside of the network's own passes
    wanted = whole.flatten(0, 1)[batch.masked_positions]
    torch.testing.assert_close(said, wanted, rtol=0, atol=1e-6 * max(1.0, float(wanted.abs().max())))
    check_head(network)


@pytest.mark.parametrize("name", sorted(PAIRED))
def test_logits_of_tokens_and_pairs_are_those_of_the_class_for_pre_training(name: str) -> None:
    model, batch = tiny(name, pairs=True), toy_batch(4, 0)
    segments = {"token_type_ids": batch.token_type_ids} if reads_segments(model) else {}
    mask = {"attention_mask": batch.attention_mask.long()} if name != "fnet" else {}
    with torch.no_grad():
        said = Network(model).eval()(batch)
        whole = model(input_ids=batch.input_ids, **mask, **segments)
    torch.testing.assert_close(said.pairs, whole[PAIRED[name]], rtol=1e-5, atol=1e-5)
    wanted = token_logits(whole).flatten(0, 1)[batch.masked_positions]
    torch.testing.assert_close(said.tokens, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "modernbert"])
def test_gradients_are_those_of_the_whole_model(name: str) -> None:
    model, batch = tiny(name), toy_batch(4, 0)
    segments = {"token_type_ids": batch.token_type_ids} if reads_segments(model) else {}
    loss = torch.nn.functional.cross_entropy

    def gradients(logits: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(loss(logits, batch.masked_targets), list(model.parameters())))

    said = gradients(Network(model).eval()(batch).tokens)
    whole = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask.long(), **segments).logits
    wanted = gradients(whole.flatten(0, 1)[batch.masked_positions])
    for one, other in zip(said, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_nothing_asked_is_an_empty_answer() -> None:
    batch = dataclasses.replace(toy_batch(4, 0), masked_positions=torch.zeros(0, dtype=torch.int64))
    assert toy_network()(batch).tokens.shape == (0, SIZE)


class Neighbours(nn.Module):
    """A head that looks at the position before, too."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, hidden: Tensor) -> Tensor:
        said: Tensor = self.head(hidden + hidden.roll(1, 1))
        return said


def test_a_head_that_looks_at_other_positions_is_refused() -> None:
    network = Network(tiny("bert"))
    network.model.cls = Neighbours(network.model.cls)
    with pytest.raises(
        UsageError, match=r"bert network says something else .* its head reads more than one position"
    ):
        check_head(network)
    network.model.cls = None
    with pytest.raises(UsageError, match="a bert network does not run here: 'NoneType'"):
        check_head(network)


def test_padding_changes_nothing() -> None:
    network, batch = toy_network().eval(), toy_batch(4, 0, width=16)
    pad = torch.nn.functional.pad
    wider = dataclasses.replace(
        batch,
        input_ids=pad(batch.input_ids, (0, 8)),
        attention_mask=pad(batch.attention_mask, (0, 8)),
        token_type_ids=pad(batch.token_type_ids, (0, 8)),
        position_ids=pad(batch.position_ids, (0, 8)),
        masked_positions=batch.masked_positions + 8 * (batch.masked_positions // 16),
    )
    with torch.no_grad():
        torch.testing.assert_close(network(batch).tokens, network(wider).tokens, rtol=1e-5, atol=1e-6)


def test_weights_are_a_function_of_the_seed() -> None:
    one, same, other = toy_network(1), toy_network(1), toy_network(2)
    state, again = one.state_dict(), same.state_dict()
    assert all(torch.equal(state[name], again[name]) for name in state)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"hiden_size": 8}, "did you mean 'hidden_size'"),
        ({"vocab_size": 100}, "token set"),
        ({"type": "bort"}, "type 'bort' is no encoder .* did you mean 'bert'"),
        ({"type": "bart"}, "type 'bart' is no plain text encoder"),
    ],
)
def test_what_the_configuration_would_swallow_is_refused(changes: dict[str, object], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        Model.model_validate(NETWORK | changes)


def test_a_shape_that_cannot_be_built_is_one_message() -> None:
    with pytest.raises(UsageError, match="hidden size"):
        build(Model.model_validate(NETWORK | {"num_attention_heads": 3}), SIZE, 0, pairs=False, seed=0)
    with pytest.raises(UsageError, match="sentence-pair head"):
        build(Model.model_validate(NETWORK | {"type": "roberta"}), SIZE, 0, pairs=True, seed=0)


def test_ids_and_positions_without_a_row_are_refused() -> None:
    model = toy_network().model
    check_fit(model, SIZE, 64)
    check_fit(model, SIZE - 1, 64)  # padded with rows that no token has
    with pytest.raises(UsageError, match=f"{SIZE} word vectors"):
        check_fit(model, SIZE + 1, 64)
    with pytest.raises(UsageError, match="64 positions"):
        check_fit(model, SIZE, 65)
    roberta = build(Model.model_validate(NETWORK | {"type": "roberta"}), SIZE, 1, pairs=False, seed=0)
    with pytest.raises(UsageError, match="62 positions"):
        check_fit(roberta, SIZE, 63)


def test_a_network_from_scratch_presumes_no_ids_of_another_vocabulary() -> None:
    model = tiny("modernbert")
    for key in ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
        assert getattr(model.config, key, None) is None
    assert tiny("modernbert", eos_token_id=3).config.eos_token_id == 3
