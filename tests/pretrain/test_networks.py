import dataclasses

import pytest
import torch
from pydantic import ValidationError

from corpora.errors import UsageError
from pretrain.networks import TOKEN_HEADS, Model, Network, build, check_fit, positions
from tests.pretrain.toys import NETWORK, toy_batch, toy_network
from tests.tokenization.making import SIZE

SHAPE = {key: value for key, value in NETWORK.items() if key != "type"}


@pytest.mark.parametrize("model_type", sorted(TOKEN_HEADS))
def test_logits_are_those_of_the_whole_model_at_the_masked_positions(model_type: str) -> None:
    model = build(Model.model_validate(SHAPE | {"type": model_type}), SIZE, 0, pairs=False, seed=0)
    network, batch = Network(model).eval(), toy_batch(4, 0)
    segments = {"token_type_ids": batch.token_type_ids} if model_type in ("bert", "electra") else {}
    with torch.no_grad():
        said = network(batch).tokens
        whole = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask.long(), **segments
        ).logits
    wanted = whole.flatten(0, 1)[batch.masked_positions]
    torch.testing.assert_close(said, wanted, rtol=1e-5, atol=1e-6)


def test_pair_logits_are_those_of_bert_for_pre_training() -> None:
    network, batch = toy_network().eval(), toy_batch(4, 0)
    with torch.no_grad():
        said = network(batch).pairs
        wanted = network.model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask.long(),
            token_type_ids=batch.token_type_ids,
        ).seq_relationship_logits
    torch.testing.assert_close(said, wanted, rtol=1e-5, atol=1e-6)


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
        ({"type": "bort"}, "none of bert"),
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


@pytest.mark.parametrize("model_type", sorted(TOKEN_HEADS))
def test_the_longest_row_is_read_and_a_longer_one_is_not(model_type: str) -> None:
    model = build(Model.model_validate(SHAPE | {"type": model_type}), SIZE, 0, pairs=False, seed=0).eval()
    room = positions(model.config)
    assert room == (63 if "roberta" in model_type else 64)
    model(torch.full((1, room), 5))
    if model_type != "modernbert":  # rotary: nothing in it ends
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, room + 1), 5))
