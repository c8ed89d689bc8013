"""The card: a header that the hub reads, and figures that training measured."""

import json
from typing import Any

import pytest
from huggingface_hub import ModelCard

from pretrain.card import Wishes, card, phase
from tests.pretrain.toys import toy_train

TOKENS = {
    "length": 48,
    "sources": {"web|blog": {"train": {"documents": 1200, "characters": 9}, "validation": {"documents": 3}}},
}
EXPORT = {"step": 8, "parameters": 12_345, "model": "BertForMaskedLM"}
HELD_OUT = {"step": 8, "held_out_sop_accuracy": 0.5, "held_out_sop": 0.7} | {
    f"held_out_{name}{ending}": value
    for ending in ("", "/news", "/web|blog")
    for name, value in (
        *(("mlm", 6.5), ("mlm_accuracy", 0.125), ("mlm_word_accuracy", 0.1), ("unigram_accuracy", 0.05)),
        *(
            ("unigram_word_accuracy", 0.04),
            ("copy_accuracy", 0.1),
            ("copy_word_accuracy", 0.09),
            ("tokens", 900.0),
        ),
    )
}
LOG = [json.dumps(row) for row in ({"step": 4, "loss": 7.0, "real_tokens": 400}, HELD_OUT)]
MASKING = {"mask_rate": 0.15, "mask_rate_deviation": 0.01, "mask_share": 0.8, "similar_share": 0.0}


def facts() -> dict[str, object]:
    settings = toy_train().model_dump(mode="json")
    first = phase(settings, TOKENS, "hfl/chinese-macbert-base") | {"tokens": 5000, "steps": 20}
    return {"phases": [first, phase(settings, TOKENS, None) | {"tokens": 900}], "masking": MASKING}


@pytest.fixture(scope="module")
def made() -> ModelCard:
    return ModelCard(card(EXPORT, facts(), LOG, True, Wishes("apache-2.0", ["zh", "en"])))


def test_the_hub_reads_its_header(made: ModelCard) -> None:
    data: Any = made.data  # its keys are attributes
    assert (data.license, data.language, data.pipeline_tag) == ("apache-2.0", ["zh", "en"], "fill-mask")
    assert data.base_model == "hfl/chinese-macbert-base"
    assert data.library_name == "transformers"
    assert data.tags == ["maskwright", "whole_word"]
    assert [(one.metric_name, one.metric_value) for one in data.eval_results or []] == [
        ("held-out masked tokens right", 0.125),
        ("held-out masked words right", 0.1),
    ]


def test_it_tells_text_phases_and_measures(made: ModelCard) -> None:
    text = made.text
    assert "12,345 weights, pre-trained with maskwright: 28 steps, 5,400 tokens read." in text
    assert (
        "| 1 | 20 | 8 | 48 | 5,000 | mlm 1, sop 0.5 | whole_word, 15% | bert | adamw, 0.01 | fp32 |" in text
    )
    assert "| 2 | 8 | 8 | 48 | 400 |" in text  # those of the exported step
    assert "| all | 900 | 6.500 | 12.50% | 5.00% | 10.00% | 10.00% | 4.00% | 9.00% |" in text
    assert "| web\\|blog | 900 |" in text
    assert "| web\\|blog | 1,200 | 9 | 3 |" in text
    assert "SOP: 50.00% of held-out pairs right." in text
    assert "15.00% of each row's tokens to predict (standard deviation 1.00%); mask 80.0%." in text
    assert 'subfolder="encoder"' in text


def test_a_checkpoint_that_noted_nothing_still_has_a_card() -> None:
    made = ModelCard(card(EXPORT, {}, [], False, Wishes()))
    data: Any = made.data
    assert data.license is None
    assert "Nothing was measured" in made.text
    assert "encoder" not in made.text
    assert "8 steps" in made.text
