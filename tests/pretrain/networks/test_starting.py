"""Networks that others published, and folders that only look like one."""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import gelu, layer_norm

from corpora.errors import BadData, UsageError
from pretrain.networks import weights
from pretrain.networks.architectures import HuggingFaceModel, has_pair_head
from pretrain.networks.detection import HEAD
from pretrain.networks.starting import start_discriminator, start_from
from tests.pretrain.encoders import PROMISED, tiny
from tests.pretrain.toys import toy_network
from tests.tokenization.making import SIZE
from tokenization.pretrained import Pretrained

BIN, INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"


def folder(place: Path, model: HuggingFaceModel, **tensors: Tensor) -> Path:
    """The model as a folder: its own weights, unless others are given."""
    place.mkdir()
    (place / "config.json").write_text(weights.describe(model))
    weights.save(model, tensors or model.state_dict(), place / weights.WEIGHTS)
    return place


def started(place: Path, pairs: bool = False) -> tuple[HuggingFaceModel, list[str]]:
    return start_from(Pretrained(path=str(place)), pairs, seed=0)


def same(one: HuggingFaceModel, other: HuggingFaceModel) -> bool:
    states = one.state_dict(), other.state_dict()
    return states[0].keys() == states[1].keys() and all(
        torch.equal(states[1][k], v) for k, v in states[0].items()
    )


def test_starting_weights_are_those_of_the_folder_and_missing_ones_are_named(tmp_path: Path) -> None:
    model = toy_network(pairs=False).model
    place = folder(tmp_path / "saved", model)
    network, missing = started(place, pairs=True)
    assert has_pair_head(network)
    assert {name.split(".")[1] for name in missing} == {"pooler", "seq_relationship"}
    for name, tensor in model.state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)
    again, _ = started(place, pairs=True)
    assert torch.equal(again.cls.seq_relationship.weight, network.cls.seq_relationship.weight)


@pytest.mark.parametrize("name", PROMISED)
def test_a_bare_encoder_is_taken_and_its_missing_head_is_named(tmp_path: Path, name: str) -> None:
    whole = tiny(name)
    encoder = whole.base_model
    network, missing = started(folder(tmp_path / "bare", encoder))  # names without `bert.`
    assert same(network.base_model, encoder)
    assert missing
    assert not any(name.startswith(whole.base_model_prefix + ".") for name in missing)


def test_a_head_of_debertas_own_layout_is_read(tmp_path: Path) -> None:
    model = tiny("deberta-v3")
    model.config.legacy = True  # as published: without the key, which then is true
    network, missing = started(folder(tmp_path / "v3", model))
    assert not missing
    ids = torch.tensor([[2, 5, 6, 4, 3]])
    with torch.no_grad():
        assert torch.equal(network.eval()(ids).logits, model(ids).logits)
    assert json.loads(weights.describe(network))["legacy"] is False


def test_the_head_of_a_released_deberta_discriminator_is_read_and_says_the_same(tmp_path: Path) -> None:
    """As Microsoft's files are: both heads, and what gradient-disentangled sharing left behind."""
    model, dice = tiny("deberta-v3"), torch.Generator().manual_seed(3)
    shapes = {"dense.weight": (16, 16), "dense.bias": (16,), "classifier.weight": (1, 16)}
    shapes |= {"classifier.bias": (1,), "LayerNorm.weight": (16,), "LayerNorm.bias": (16,)}
    head = {name: torch.randn(shape, generator=dice) for name, shape in shapes.items()}
    left = {"deberta.embeddings.word_embeddings._weight": torch.zeros(SIZE, 16)}
    model.config.legacy = True  # as published: without the key, which then is true
    place = folder(tmp_path / "v3", model)
    (place / weights.WEIGHTS).unlink()
    torch.save(model.state_dict() | left | {f"mask_predictions.{k}": v for k, v in head.items()}, place / BIN)
    found, missing = start_discriminator(Pretrained(path=str(place)), seed=0)
    assert not missing
    assert same(found.base_model, model.base_model)
    states = torch.randn(5, 16, generator=dice)
    starts = torch.tensor([0, 0, 0, 3, 3])
    norm = layer_norm(states + states[starts], (16,), head["LayerNorm.weight"], head["LayerNorm.bias"], 1e-7)
    dense = gelu(norm @ head["dense.weight"].T + head["dense.bias"])
    wanted = (dense @ head["classifier.weight"].T + head["classifier.bias"])[:, 0]
    torch.testing.assert_close(found.judge(states, starts), wanted)


def test_a_deberta_without_that_head_begins_with_a_fresh_one_and_says_so(tmp_path: Path) -> None:
    place = Pretrained(path=str(folder(tmp_path / "v2", tiny("deberta-v2"))))
    (found, missing), (again, _) = (start_discriminator(place, seed=0) for _ in range(2))
    assert {name.split(".")[0] for name in missing} == {"mask_predictions"}
    assert same(found, again)


def test_a_head_that_is_damaged_is_one_message(tmp_path: Path) -> None:
    place = folder(tmp_path / "pair", tiny("deberta-v2").base_model)
    head = place / f"{HEAD}.safetensors"
    another = save({"dense.weight": torch.zeros(2, 2)})
    for content in (another, another[:-1], b""):
        head.write_bytes(content)
        with pytest.raises(BadData, match=r"cannot load a discriminator's head from .*\.safetensors: "):
            start_discriminator(Pretrained(path=str(place)), seed=0)


class Harm:
    """Unpickled, it makes a folder."""

    def __init__(self, done: Path) -> None:
        self.done = done

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.done),)


@pytest.mark.parametrize("dump", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_pickle_that_would_run_code_runs_nothing(
    tmp_path: Path, dump: Callable[[Mapping[str, object], Path], None]
) -> None:
    place = folder(tmp_path / "harm", tiny("bert"))
    (place / weights.WEIGHTS).unlink()
    dump({"a": Harm(tmp_path / "done")}, place / BIN)
    with pytest.raises(
        BadData, match=r"harm: its \.bin file is damaged, or holds more than weights"
    ) as caught:
        started(place)
    assert not (tmp_path / "done").exists()
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("kind", ["pytorch_model-{}.bin", "model-{}.safetensors"])
def test_weights_in_shards_are_read_and_one_that_is_missing_is_named(tmp_path: Path, kind: str) -> None:
    model = tiny("bert")
    place = folder(tmp_path / "shards", model)
    (place / weights.WEIGHTS).unlink()
    state = {k: v for k, v in model.state_dict().items() if k not in model.all_tied_weights_keys}
    names = sorted(state)
    shards = {kind.format(1): names[:7], kind.format(2): names[7:]}
    for shard, some in shards.items():
        tensors = {name: state[name].clone() for name in some}
        if shard.endswith(".bin"):
            torch.save(tensors, place / shard)
        else:
            weights.save(model, tensors, place / shard)
    index = {"metadata": {}, "weight_map": {name: shard for shard, some in shards.items() for name in some}}
    ending = ".bin" if "bin" in kind else ".safetensors"
    (place / f"{kind.split('-')[0]}{ending}.index.json").write_text(json.dumps(index))
    network, missing = started(place)
    assert not missing
    assert same(network, model)
    (place / kind.format(2)).unlink()
    with pytest.raises(BadData, match=rf"index\.json names {kind.format(2)}, not there"):
        started(place)


def test_old_names_of_layer_norms_are_read(tmp_path: Path) -> None:
    model = tiny("bert")
    place = folder(tmp_path / "old", model)
    (place / weights.WEIGHTS).unlink()
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    state = {
        k.replace(new, was): v for new, was in old.items() for k, v in model.state_dict().items() if new in k
    }
    torch.save({k: v for k, v in model.state_dict().items() if "LayerNorm" not in k} | state, place / BIN)
    network, missing = started(place)
    assert not missing
    assert same(network, model)


def test_another_shape_is_told_tensor_by_tensor(tmp_path: Path) -> None:
    other = tiny("bert", intermediate_size=48)
    place = folder(tmp_path / "other", other, **tiny("bert").state_dict())
    with pytest.raises(BadData, match="other are not of the BertForMaskedLM of its") as caught:
        started(place)
    assert caught.value.args[0].splitlines()[1:] == [
        "  bert.encoder.layer.0.intermediate.dense.bias: (32,) there, (48,) by its config.json",
        "  bert.encoder.layer.0.intermediate.dense.weight: (32, 16) there, (48, 16) by its config.json",
        "  bert.encoder.layer.0.output.dense.weight: (16, 32) there, (16, 48) by its config.json",
    ]


def test_an_encoder_under_other_names_is_told_with_both(tmp_path: Path) -> None:
    model = tiny("bert")
    state = {k: v for k, v in model.state_dict().items() if k not in model.all_tied_weights_keys}
    place = folder(
        tmp_path / "wrapped", model, **{f"module.{name}": tensor for name, tensor in state.items()}
    )
    with pytest.raises(BadData) as caught:
        started(place)
    lines = caught.value.args[0].splitlines()
    assert lines[1].startswith("  not there: bert.embeddings.LayerNorm.bias, ")
    assert lines[2].startswith("  there, and of no use: module.bert.embeddings.LayerNorm.bias, ")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ('{"model_type": "gpt2"}', "cannot be trained: 'gpt2' is no encoder with a masked-LM head"),
        ('{"model_type": "t5"}', "cannot be trained: 't5' is no encoder"),
        ('{"model_type": "bort"}', "model type `bort`"),
        (
            '{"model_type": "x", "auto_map": {"AutoConfig": "a--b.C"}}',
            "code that comes with it, which is not run",
        ),
        ('{"hidden_size": 3}', "Unrecognized model"),
        ("{", "not a valid JSON file"),
    ],
)
def test_a_configuration_that_is_of_no_encoder(tmp_path: Path, config: str, reason: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises((BadData, UsageError), match=reason):
        started(tmp_path)


def test_folders_without_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=f"{tmp_path} has no config.json, which says what network") as caught:
        started(tmp_path)
    assert "; give" not in str(caught.value)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": false}')
    inner = folder(tmp_path / "2_Transformer", tiny("bert"))
    with pytest.raises(BadData, match=f"; give {inner}, which has one"):
        started(tmp_path)
    (inner / weights.WEIGHTS).write_bytes((inner / weights.WEIGHTS).read_bytes()[:-9])
    with pytest.raises(BadData, match="Error while deserializing header"):
        started(inner)
    (inner / weights.WEIGHTS).unlink()
    with pytest.raises(BadData, match="cannot load a network from"):
        started(inner)
    (inner / INDEX).write_text("{")
    with pytest.raises(BadData, match="cannot load a network from"):
        started(inner)
