"""The classifier on an export: transformers' own loading is the reference."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, RobertaConfig

from corpora.errors import BadData, UsageError
from pretrain.finetuning import heads
from pretrain.finetuning.tasks import Classification
from tests.pretrain.finetuning.making import make_export, make_folder, make_network
from tokenization.pretrained import Pretrained

LABELS = ("bad", "good", "so so")
TASK = Classification()
OUTPUTS = TASK.outputs(LABELS)


def at(folder: Path) -> Pretrained:
    return Pretrained(path=str(folder))


def test_the_encoder_is_the_exports_and_the_head_that_of_the_seed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert")
    config = heads.open_config(at(folder), OUTPUTS)
    networks = []
    for filled in (True, False):
        torch.manual_seed(5)
        networks.append(heads.build(config, TASK.head))
        if filled:
            heads.fill(networks[-1], at(folder))
    reference = AutoModel.from_pretrained(folder).state_dict()
    for name, weight in networks[0].base_model.state_dict().items():
        assert torch.equal(weight, reference[name]), name
    trained, fresh = (network.state_dict() for network in networks)
    assert torch.equal(trained["classifier.weight"], fresh["classifier.weight"])
    assert trained["classifier.weight"].shape == (3, 16)
    word_table = "bert.embeddings.word_embeddings.weight"
    assert not torch.equal(trained[word_table], fresh[word_table])


def test_a_pooler_that_stands_in_the_folder_of_the_encoder_is_taken(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert")
    AutoModel.from_pretrained(folder).save_pretrained(folder / "encoder")
    weights = load_file(folder / "model.safetensors")
    pooler = {name: weights.pop(name) for name in list(weights) if "pooler" in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    network = make_network(folder, TASK, LABELS)
    heads.fill(network, at(folder))
    assert len(pooler) == 2
    for name, weight in pooler.items():
        assert torch.equal(network.state_dict()[name], weight)


def test_weights_as_older_programs_wrote_them_are_read(tmp_path: Path) -> None:
    """pytorch_model.bin, LayerNorm's weights called gamma and beta: bert-base-chinese on the hub is so."""
    folder = make_folder(tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    old = {
        n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): w + 1
        for n, w in weights.items()
    }
    torch.save(old, folder / "pytorch_model.bin")
    network = make_network(folder, TASK, LABELS)
    heads.fill(network, at(folder))
    filled = network.state_dict()
    for name in ("embeddings.LayerNorm.weight", "encoder.layer.0.output.dense.bias", "pooler.dense.weight"):
        assert torch.equal(filled[f"bert.{name}"], weights[f"bert.{name}"] + 1)


def test_building_leaves_the_configuration_as_it_was(tmp_path: Path) -> None:
    config = heads.open_config(at(make_folder(tmp_path / "bert")), OUTPUTS)
    before = config.to_dict()
    heads.build(config, TASK.head)
    assert config.to_dict() == before
    assert config.id2label == {0: "bad", 1: "good", 2: "so so"}


def test_an_export_without_part_of_its_encoder_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert")
    weights = load_file(folder / "model.safetensors")
    del weights["bert.encoder.layer.0.output.dense.bias"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    network = make_network(folder, TASK, LABELS)
    with pytest.raises(BadData, match=r"lacks 1 weights of the encoder, such as encoder\.layer\.0"):
        heads.fill(network, at(folder))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", None, r"has no config\.json, which says what network"),
        ("config.json", b'{"model_type": "bert",', "cannot load a network from .*not a valid JSON file"),
        ("config.json", b"{}", "cannot load a network from .*model_type"),
        ("model.safetensors", None, r"cannot load a network from .*no file named model\.safetensors"),
        ("model.safetensors", b"\x10", "cannot load a network from .*header"),
        ("tokenizer.json", None, r"no tokenizer could be loaded from .*no tokenizer\.json, .*; copy those"),
        ("tokenizer.json", b'{"version', r"tokenizer\.json is damaged, or no tokenizer \(JSONDecodeError"),
    ],
)
def test_a_folder_that_is_damaged_or_no_checkpoint_is_one_message(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    folder = make_folder(tmp_path / "bert")
    network = make_network(folder, TASK, LABELS)
    for other in ("vocab.txt", "vocab.json") if name == "tokenizer.json" else ():
        (folder / other).unlink(missing_ok=True)
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)

    def start() -> None:
        heads.open_tokenizer(at(folder), heads.open_config(at(folder), OUTPUTS), None)
        heads.fill(network, at(folder))

    with pytest.raises(BadData, match=message):
        start()


def test_an_export_without_tokenizer_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"has no tokenizer\.json"):
        heads.export_of(make_export(tmp_path / "export", without="tokenizer.json"))


def test_rows_longer_than_the_network_are_refused_with_both_numbers(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert", positions=32)
    config = heads.open_config(at(folder), OUTPUTS)
    assert heads.open_tokenizer(at(folder), config, 32).model_max_length == 32
    with pytest.raises(UsageError, match="33 tokens a row, but this checkpoint has 32 positions"):
        heads.open_tokenizer(at(folder), config, 33)
    with pytest.raises(UsageError, match="this checkpoint has 512 positions"):
        heads.open_tokenizer(at(folder), RobertaConfig(max_position_embeddings=514, pad_token_id=1), 513)


def test_a_tokenizer_larger_than_the_network_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bert")
    config = heads.open_config(at(folder), OUTPUTS)
    config.vocab_size = 7
    with pytest.raises(BadData, match="network of 7"):
        heads.open_tokenizer(at(folder), config, 16)
