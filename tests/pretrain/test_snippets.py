"""The lines that open an export; that they do is tested where exports are made."""

import pytest

from pretrain.snippets import opening


@pytest.mark.parametrize(
    ("facts", "encoder", "classes", "said"),
    [
        ({"model": "RobertaForMaskedLM"}, False, "AutoModelForMaskedLM", ""),
        ({"model": "XLMWithLMHeadModel"}, False, "AutoModelForMaskedLM", ""),
        ({"model": "BertForMaskedLM"}, True, "AutoModel, AutoModelForMaskedLM", "encoder = AutoModel."),
        ({"model": "DebertaV2Model", "generator": None}, False, "AutoModel", "model = AutoModel."),
        (
            {"model": "DebertaV2Model", "generator": "DebertaV2ForMaskedLM"},
            False,
            "AutoModel, AutoModelForMaskedLM",
            'generator = AutoModelForMaskedLM.from_pretrained(folder, subfolder="generator")',
        ),
        (
            {"model": "ElectraForPreTraining", "generator": "ElectraForMaskedLM"},
            False,
            "AutoModelForMaskedLM, AutoModelForPreTraining",
            "model = AutoModelForPreTraining.from_pretrained(folder)",
        ),
    ],
)
def test_each_network_has_its_class(facts: dict[str, object], encoder: bool, classes: str, said: str) -> None:
    text = opening(facts, encoder, "folder")
    assert text.startswith(f"from transformers import {classes}, AutoTokenizer\n")
    assert said in text
    compile(text, "opening", "exec")
