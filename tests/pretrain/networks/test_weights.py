from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoModelForPreTraining

from corpora.errors import BadData
from pretrain.networks import weights
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.networks.network import Model, build
from tests.pretrain.encoders import TYPES, tiny
from tests.pretrain.toys import NETWORK, toy_network
from tests.tokenization.making import SIZE


def write(model: HuggingFaceModel, folder: Path) -> Path:
    folder.mkdir()
    weights.save(model, model.state_dict(), folder / weights.WEIGHTS)
    (folder / "config.json").write_text(weights.describe(model))
    return folder


@pytest.mark.parametrize("pairs", [True, False])
def test_what_is_saved_loads_exactly_and_stays_tied(tmp_path: Path, pairs: bool) -> None:
    model = toy_network(pairs=pairs).model
    folder = write(model, tmp_path / "saved")
    again = weights.load(folder)
    assert type(again) is type(model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert again.cls.predictions.decoder.weight is again.get_input_embeddings().weight
    opener = AutoModelForPreTraining if pairs else AutoModelForMaskedLM
    _, info = opener.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values())


def test_weights_of_another_shape_of_network_are_refused(tmp_path: Path) -> None:
    folder = write(toy_network(pairs=False).model, tmp_path / "saved")
    deeper = build(Model.model_validate(NETWORK | {"num_hidden_layers": 2}), SIZE, 0, pairs=False, seed=0)
    (folder / "config.json").write_text(weights.describe(deeper))
    with pytest.raises(BadData, match=r"layer\.1"):
        weights.load(folder)
    wider = build(Model.model_validate(NETWORK | {"intermediate_size": 48}), SIZE, 0, pairs=False, seed=0)
    (folder / "config.json").write_text(weights.describe(wider))
    with pytest.raises(BadData, match=r"(?s)does not fit its config.json.*intermediate\.dense"):
        weights.load(folder)


@pytest.mark.parametrize("name", [*TYPES, "deberta-v3"])
def test_any_encoder_is_saved_and_opens_with_the_class_of_its_users(tmp_path: Path, name: str) -> None:
    model, ids = tiny(name), torch.tensor([[2, 5, 6, 4, 9, 3]])
    folder = write(model, tmp_path / "saved")
    theirs, info = AutoModelForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values())
    with torch.no_grad():
        wanted = model(ids).logits
        assert torch.equal(weights.load(folder).eval()(ids).logits, wanted)
        torch.testing.assert_close(theirs.eval()(ids).logits, wanted, rtol=0, atol=1e-6)
