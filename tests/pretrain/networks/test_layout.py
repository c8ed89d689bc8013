"""Documents in one row: each says what it says alone, in every network and however the rows lie."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from corpora.errors import UsageError
from pretrain.batch import NO_PAIR, Batch
from pretrain.networks import attention
from pretrain.networks.architectures import first_position
from pretrain.networks.attention import WITHIN_DOCUMENTS
from pretrain.networks.layout import Layout, check_isolation
from pretrain.networks.network import Model, Network, build
from tests.pretrain.toys import NETWORK, NO_DROPOUT, toy_network
from tests.tokenization.making import SIZE

TYPES = ("bert", "electra", "modernbert", "roberta", "xlm-roberta")
ROWS = ([7, 3, 12], [20], [1, 1, 9, 4])  # lengths of the documents of each row
PAD = 1


def network_of(model_type: str, **changes: object) -> Network:
    """Two layers; of ModernBERT one of each kind, with a window narrower than the documents."""
    shape = {key: value for key, value in NETWORK.items() if key != "type"} | {"num_hidden_layers": 2}
    own = {"local_attention": 8} if model_type == "modernbert" else {}
    given = shape | {"type": model_type} | own | changes
    return Network(build(Model.model_validate(given), SIZE, PAD, pairs=False, seed=0)).eval()


def batch_of(rows: tuple[list[int], ...], ids: list[Tensor]) -> Batch:
    """Rows of documents with these ids, padded; every real position is asked."""
    width = max(map(sum, rows))
    shape = len(rows), width
    batch = {"input_ids": torch.full(shape, PAD), "position_ids": torch.zeros(shape, dtype=torch.int64)}
    real = torch.zeros(shape, dtype=torch.bool)
    given = iter(ids)
    for row, lengths in enumerate(rows):
        real[row, : sum(lengths)] = True
        for number, length in enumerate(lengths):
            here = slice(sum(lengths[:number]), sum(lengths[: number + 1]))
            batch["input_ids"][row, here] = next(given)
            batch["position_ids"][row, here] = torch.arange(length)
    asked = real.flatten().nonzero().squeeze(1)
    return Batch(
        **batch,
        attention_mask=real,
        token_type_ids=torch.zeros(shape, dtype=torch.int64),
        masked_positions=asked,
        masked_targets=torch.full_like(asked, 5),
        pair_labels=torch.full((len(rows),), NO_PAIR),
        samples=torch.arange(len(rows)),
        noise=torch.arange(len(rows)),
    )


def documents(seed: int = 0) -> list[Tensor]:
    dice = torch.Generator().manual_seed(seed)
    return [torch.randint(5, SIZE, (length,), generator=dice) for row in ROWS for length in row]


def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Layout, "_end_to_end", lambda self, batch: False)


@pytest.fixture(params=["end to end", "side by side"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "side by side":
        side_by_side(monkeypatch)
    return str(request.param)


@pytest.mark.parametrize("model_type", TYPES)
def test_a_document_says_in_company_what_it_says_alone(model_type: str, layout: str) -> None:
    network, ids = network_of(model_type), documents()
    with torch.no_grad():
        said = network(batch_of(ROWS, ids)).tokens
        alone = [network.model(input_ids=each[None]).logits[0] for each in ids]  # `transformers` by itself
    torch.testing.assert_close(said, torch.cat(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", TYPES)
def test_a_document_does_not_see_another(model_type: str, layout: str) -> None:
    network, ids = network_of(model_type), documents()
    changed = [*ids[:1], ids[1].flip(0) % 7 + 5, *ids[2:]]  # the second document of the first row
    with torch.no_grad():
        said, again = (network(batch_of(ROWS, each)).tokens for each in (ids, changed))
    others = torch.ones(len(said), dtype=torch.bool)
    others[7:10] = False
    assert torch.equal(said[others], again[others])
    assert not torch.equal(said[~others], again[~others])


@pytest.mark.parametrize("model_type", TYPES)
def test_with_cross_document_a_row_is_one_text(model_type: str, layout: str) -> None:
    network, batch = network_of(model_type), batch_of(ROWS, documents())
    width = batch.input_ids.shape[1]
    joined = replace(batch, position_ids=torch.arange(width).where(batch.attention_mask, 0))
    with torch.no_grad():
        said = network(joined).tokens
        whole = network.model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    torch.testing.assert_close(said, whole[batch.attention_mask], rtol=1e-5, atol=1e-5)


def gradients(network: Network, batch: Batch) -> dict[str, Tensor]:
    network.zero_grad()
    said = network(batch)
    loss = said.tokens.square().sum() + (0 if said.pairs is None else said.pairs.square().sum())
    loss.backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("pairs", [False, True])
def test_both_layouts_learn_the_same(monkeypatch: pytest.MonkeyPatch, pairs: bool) -> None:
    network, batch = toy_network(pairs=pairs), batch_of(ROWS, documents())
    joined, (tokens, answers, _) = gradients(network, batch), network(batch)
    side_by_side(monkeypatch)
    apart, (others, other_answers, _) = gradients(network, batch), network(batch)
    torch.testing.assert_close(tokens, others, rtol=1e-5, atol=1e-6)
    assert joined.keys() == apart.keys()
    for name in joined:
        torch.testing.assert_close(joined[name], apart[name], rtol=1e-4, atol=1e-5)
    if pairs:
        assert answers.shape == (len(ROWS), 2)
        torch.testing.assert_close(answers, other_answers, rtol=1e-5, atol=1e-6)


def seen(network: Network, batch: Batch) -> list[torch.Size]:
    """Shapes at the output of the embeddings."""
    shapes = list[torch.Size]()
    embeddings = network.model.base_model.embeddings
    hook = embeddings.register_forward_hook(lambda module, given, made: shapes.append(made.shape))
    network(batch)
    hook.remove()
    return shapes


def test_nothing_is_computed_on_padding() -> None:
    batch = batch_of(ROWS, documents())
    real = int(batch.attention_mask.sum())
    assert real < batch.input_ids.numel()
    assert seen(network_of("bert"), batch) == [(1, real, NETWORK["hidden_size"])]


def test_activations_can_be_computed_again(layout: str) -> None:
    network, batch = network_of("bert", **NO_DROPOUT).train(), batch_of(ROWS, documents())
    kept = gradients(network, batch)
    network.model.activation_checkpointing_enable({"use_reentrant": False})
    again = gradients(network, batch)
    for name in kept:
        torch.testing.assert_close(again[name], kept[name])


@pytest.mark.slow
def test_a_compiled_encoder_is_compiled_for_a_few_shapes_only() -> None:
    network = network_of("bert")
    plain, graphs = network_of("bert"), list[Any]()

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Any:  # noqa: ANN401
        graphs.append(graph)
        return graph.forward

    network.model.base_model.compile(backend=count)
    for width in range(8, 64, 8):
        rows = ([width - 3, 3], [width // 2, 2])
        ids = [torch.arange(length) % 9 + 5 for row in rows for length in row]
        batch = batch_of(rows, ids)
        with torch.no_grad():
            torch.testing.assert_close(network(batch).tokens, plain(batch).tokens, rtol=1e-5, atol=1e-5)
    assert 1 <= len(graphs) <= 3


def test_rows_lie_apart_for_a_pooler_that_is_handed_first_tokens() -> None:
    from transformers import AlbertConfig, AlbertForPreTraining

    shape: dict[str, Any] = {key: value for key, value in NETWORK.items() if key != "type"}
    model = AlbertForPreTraining(AlbertConfig(vocab_size=SIZE, embedding_size=8, **shape))
    attention.prepare(model, halves=False)
    laid = Layout(model)(batch_of(ROWS, documents()))
    assert laid.rows is None
    assert laid.arguments["input_ids"].shape == (3, 22)
    assert laid.arguments["attention_mask"].shape == (3, 1, 22, 22)


def test_positions_begin_where_the_network_counts_from() -> None:
    wanted = dict.fromkeys(TYPES, 0) | {"roberta": PAD + 1, "xlm-roberta": PAD + 1}
    assert {name: first_position(network_of(name).model.config) for name in TYPES} == wanted


def test_how_a_model_was_trained_is_not_written_into_it() -> None:
    model = network_of("bert").model
    assert model.config._attn_implementation == WITHIN_DOCUMENTS
    assert WITHIN_DOCUMENTS not in model.config.to_json_string()


def test_flash_attention_is_told_where_documents_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    network, batch = network_of("bert"), batch_of(ROWS, documents())
    monkeypatch.setattr(network.model.config, "_attn_implementation_internal", attention.FLASH)
    laid = network._lay(batch)
    ends = [0, 7, 10, 22, 42, 43, 44, 53, 57]
    assert laid.arguments["cu_seq_lens_q"].tolist() == laid.arguments["cu_seq_lens_k"].tolist() == ends
    assert laid.arguments["cu_seq_lens_q"].dtype == torch.int32
    assert laid.arguments["max_length_q"] == laid.arguments["max_length_k"] == 22
    assert laid.arguments["position_ids"].shape == laid.arguments["input_ids"].shape == (1, 57)
    assert "attention_mask" not in laid.arguments
    assert laid.rows is not None
    assert laid.rows.tolist() == [0, 22, 42]


def test_a_network_with_attention_of_its_own_is_refused_for_joined_documents() -> None:
    from transformers import CONFIG_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    shape = {key: value for key, value in NETWORK.items() if key != "type"}
    config: Any = CONFIG_MAPPING["deberta-v2"]
    network: Any = MODEL_FOR_MASKED_LM_MAPPING[config]
    model = network(config(vocab_size=SIZE, **shape))
    with pytest.raises(UsageError, match=r"deberta-v2 network cannot be kept within one: .*cross_document"):
        check_isolation(model)
    check_isolation(toy_network().model)
