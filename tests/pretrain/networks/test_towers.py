import json
from pathlib import Path

import pytest
import torch
from torch import nn

from corpora.errors import UsageError
from pretrain.networks import weights
from pretrain.networks.generators import Sharing
from pretrain.networks.towers import Discriminator, Disentangled, Towers, adopt, alike
from pretrain.networks.vectors import grow
from pretrain.optimizers import AdamW
from tests.pretrain.encoders import tiny
from tests.pretrain.pairs import towers
from tokenization.vocabulary import Vocabulary

SHARINGS: tuple[Sharing, ...] = ("tied", "gdes", "untied")
BLOCK = ("word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight")
NORM = ("LayerNorm.weight", "LayerNorm.bias")


def blocks(pair: Towers) -> tuple[nn.Module, nn.Module]:
    generator: nn.Module = pair.towers[0].base_model.embeddings
    discriminator: nn.Module = pair.discriminator.base_model.embeddings
    return generator, discriminator


@pytest.mark.parametrize("name", ["bert", "electra"])
def test_the_whole_embedding_block_and_the_output_matrix_are_one_tensor(name: str) -> None:
    pair = towers(name)
    ours, theirs = blocks(pair)
    for parameter in (*BLOCK, *NORM):
        assert ours.get_parameter(parameter) is theirs.get_parameter(parameter)
    assert pair.towers[0].get_output_embeddings().weight is theirs.get_parameter(BLOCK[0])
    assert len(list(pair.parameters())) == len({id(p) for p in pair.parameters()})


def test_of_deberta_what_has_one_width_is_shared() -> None:
    ours, theirs = blocks(towers("deberta-v2"))
    assert ours.get_parameter("word_embeddings.weight") is theirs.get_parameter("word_embeddings.weight")
    assert ours.get_parameter("LayerNorm.weight").shape != theirs.get_parameter("LayerNorm.weight").shape
    ours, theirs = blocks(towers("deberta-v2", width=1.0))
    assert ours.get_parameter("LayerNorm.weight") is theirs.get_parameter("LayerNorm.weight")


def test_untied_shares_nothing() -> None:
    pair = towers(sharing="untied")
    mine = {id(p) for p in pair.towers[0].parameters()}
    assert not any(id(p) in mine for p in pair.discriminator.parameters())


@pytest.mark.parametrize("sharing", SHARINGS)
def test_written_and_read_it_is_the_same(tmp_path: Path, sharing: Sharing) -> None:
    pair = towers(sharing=sharing)
    with torch.no_grad():
        for name, parameter in pair.named_parameters():
            if name.endswith("delta"):
                parameter.add_(torch.randn_like(parameter))
    weights.save(pair, pair.state_dict(), tmp_path / weights.WEIGHTS)
    (tmp_path / "config.json").write_text(weights.describe(pair))
    again: Towers = weights.load(tmp_path)
    assert again.sharing == sharing
    assert again.all_tied_weights_keys == pair.all_tied_weights_keys
    state = again.state_dict()
    assert all(torch.equal(state[name], value) for name, value in pair.state_dict().items())


def test_a_table_that_is_a_difference_follows_the_other_and_folds_into_one() -> None:
    base, own = nn.Embedding(9, 4, padding_idx=0), nn.Embedding(9, 4, padding_idx=0)
    table, ids = Disentangled(base, own), torch.tensor([[1, 2, 8]])
    torch.testing.assert_close(table(ids), own(ids))
    with torch.no_grad():
        base.weight += 1
    torch.testing.assert_close(table(ids), own(ids) + 1)
    assert torch.equal(table(ids)[0], table.weight[ids[0]])
    table(ids).sum().backward()
    assert base.weight.grad is None
    assert table.delta.grad is not None
    assert [name for name, _ in table.named_parameters()] == ["delta"]


def test_differences_do_not_decay() -> None:
    pair = towers(sharing="gdes")
    groups = AdamW(weight_decay=0.1).groups(pair)
    decays = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    for name, parameter in pair.named_parameters():
        assert decays[id(parameter)] == (0.1 if parameter.ndim > 1 and not name.endswith("delta") else 0.0)


@pytest.mark.parametrize(("sharing", "table"), [("tied", 1 / 32), ("gdes", 1 / 8)])
def test_each_counts_its_own_layers_and_what_is_shared_learns_at_the_lower_rate(
    sharing: Sharing, table: float
) -> None:
    pair = towers(sharing=sharing, depth=0.5, layers=4)
    shares = {id(p): group["share"] for group in AdamW(layer_decay=0.5).groups(pair) for p in group["params"]}
    found = {name: shares[id(parameter)] for name, parameter in pair.named_parameters()}
    wanted = {
        "generator.electra.embeddings.word_embeddings.weight": table,
        "generator.electra.embeddings_project.weight": 1 / 8,
        "generator.electra.encoder.layer.0.output.dense.weight": 1 / 4,
        "generator.electra.encoder.layer.1.output.dense.weight": 1 / 2,
        "generator.generator_predictions.dense.weight": 1,
        "discriminator.electra.encoder.layer.0.output.dense.weight": 1 / 16,
        "discriminator.electra.encoder.layer.3.output.dense.weight": 1 / 2,
        "discriminator.discriminator_predictions.dense.weight": 1,
    }
    assert found.items() >= wanted.items()
    own = "discriminator.electra.embeddings.word_embeddings.delta"
    assert found.get(own) == (1 / 32 if sharing == "gdes" else None)


def test_embeddings_are_adopted_and_compared() -> None:
    generator, discriminator = tiny("electra"), Discriminator(tiny("electra").base_model)
    with torch.no_grad():
        generator.electra.embeddings.LayerNorm.weight += 1
    assert not alike(generator, discriminator)
    adopt(generator, discriminator)
    assert alike(generator, discriminator)


def test_tables_of_other_shapes_cannot_be_shared() -> None:
    discriminator = Discriminator(tiny("electra").base_model)
    narrow, short = tiny("electra", embedding_size=8), tiny("electra", max_position_embeddings=32)
    for other, words in ((narrow, r"\(64, 8\) in the one, \(64, 16\)"), (short, r"\(32, 16\) in the one")):
        with pytest.raises(UsageError, match=f"position_embeddings is {words}"):
            Towers(other, discriminator, "tied")
        Towers(other, discriminator, "untied")
    with pytest.raises(UsageError, match=r"\(modernbert\) and the discriminator \(electra\) cannot share"):
        Towers(tiny("modernbert"), discriminator, "gdes")


@pytest.mark.parametrize("sharing", SHARINGS)
def test_both_grow_by_the_rows_of_new_tokens_and_stay_tied(sharing: Sharing) -> None:
    pair = towers(sharing=sharing)
    before, tied = pair.folded(), pair.all_tied_weights_keys
    size = pair.config.vocab_size + 6
    more = Vocabulary("new", size, 0, 1, 2, 3, 4, (), (), empty_ids=(size - 1,))
    assert grow(pair, more, extended=False)
    assert pair.all_tied_weights_keys == tied
    assert [part.config.vocab_size for part in pair.towers] == [size, size]
    after = pair.folded()
    table = "electra.embeddings.word_embeddings.weight"
    assert torch.equal(after[table][:-6], before[table])
    json.loads(weights.describe(pair))
