from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from corpora.artefact import Artefact, Draft
from corpora.errors import MaskwrightError, UsageError
from corpora.reporter import Quiet
from pretrain.export import Export, export
from pretrain.networks import weights
from pretrain.networks.architectures import token_logits
from pretrain.training import checkpoints
from tests.pretrain.encoders import settings
from tests.pretrain.toys import opened, run, toy_train


@pytest.fixture(scope="module")
def trained(data: Artefact, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return run(toy_train(), data, tmp_path_factory.mktemp("runs") / "trained")


def export_to(final: Path, trained: Artefact, **settings: object) -> Artefact:
    draft = Draft.open(final, "export", "toy")
    return draft.commit(export(Export.model_validate(settings), {"checkpoint": trained}, draft, Quiet()))


def test_opens_cleanly_and_says_what_the_trained_network_says(trained: Artefact, tmp_path: Path) -> None:
    made = export_to(tmp_path / "made", trained)
    model, info = AutoModelForMaskedLM.from_pretrained(made.path, output_loading_info=True)
    assert not any(info.values())
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 4, 3]])
    network = weights.load(checkpoints.folder(trained)).eval()
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits, network(ids).prediction_logits, rtol=0, atol=1e-6)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight


def test_the_encoder_with_its_trained_pooler_opens_cleanly(trained: Artefact, tmp_path: Path) -> None:
    made = export_to(tmp_path / "made", trained)
    encoder, info = AutoModel.from_pretrained(made.path / "encoder", output_loading_info=True)
    assert not any(info.values())
    assert torch.equal(opened(made)["encoder"].pooler.dense.weight, encoder.pooler.dense.weight)
    assert torch.equal(
        encoder.pooler.dense.weight, weights.load(checkpoints.folder(trained)).bert.pooler.dense.weight
    )


def test_the_tokenizer_is_that_of_the_token_set(trained: Artefact, data: Artefact, tmp_path: Path) -> None:
    made = export_to(tmp_path / "made", trained)
    one, other = (AutoTokenizer.from_pretrained(path) for path in (made.path, data.folder("tokenizer")))
    for text in ("我爱北京", "abc 你们 hgf", "不认识的字"):
        assert one(text)["input_ids"] == other(text)["input_ids"]


def test_equal_exports_are_equal_bytes_and_hold_no_state_of_training(
    trained: Artefact, tmp_path: Path
) -> None:
    one, other = (export_to(tmp_path / name, trained) for name in ("one", "other"))
    assert one.files == other.files
    assert not any("optimizer" in name or "progress" in name for name in one.files)


def test_any_kept_step_can_be_exported_and_no_other(trained: Artefact, tmp_path: Path) -> None:
    made = export_to(tmp_path / "made", trained, step=8)
    assert made.facts["step"] == 8
    with pytest.raises(UsageError, match="keeps no step 7; it keeps 8, 12"):
        export_to(tmp_path / "other", trained, step=7)


@pytest.mark.parametrize("name", ["albert", "deberta-v3", "distilbert", "electra", "modernbert", "roberta"])
def test_networks_of_other_types(data: Artefact, tmp_path: Path, name: str) -> None:
    asked = {"mlm": 1.0, "sop": 0.5} if name == "albert" else {"mlm": 1.0}
    config = toy_train(model=settings(name), objectives=asked, steps=1, evaluate_every=None)
    trained = run(config, data, tmp_path / "trained")
    made = export_to(tmp_path / "made", trained)
    model, info = AutoModelForMaskedLM.from_pretrained(made.path, output_loading_info=True)
    assert not any(info.values())
    network, ids = weights.load(checkpoints.folder(trained)).eval(), torch.tensor([[2, 5, 6, 4, 9, 3]])
    encoder = AutoModel.from_pretrained(made.path).eval()
    with torch.no_grad():
        assert torch.equal(model.eval()(ids).logits, token_logits(network(ids)))
        assert torch.equal(encoder(ids)[0], network.base_model(ids)[0])
    told = opened(made)
    assert type(told["model"]).__name__ == type(model).__name__ == made.facts["model"]
    assert type(told["tokenizer"]) is type(AutoTokenizer.from_pretrained(made.path))
    assert ("encoder" in told) == (name == "albert")
    assert bool(made.names("encoder/")) == (name == "albert")


def test_an_export_that_says_something_else_is_not_made(
    trained: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = weights.save
    monkeypatch.setattr(
        weights, "save", lambda model, state, path: save(model, {k: v * 1.01 for k, v in state.items()}, path)
    )
    with pytest.raises(MaskwrightError, match="nothing was exported"):
        export_to(tmp_path / "made", trained)
    assert not (tmp_path / "made").exists()
