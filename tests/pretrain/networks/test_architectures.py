import re
from pathlib import Path

import pytest
import torch
import transformers
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from corpora.errors import UsageError
from pretrain.networks.architectures import (
    PAIRED,
    body_names,
    config_class,
    has_pair_head,
    head_parameters,
    network_class,
    positions,
    reads_segments,
)
from tests.pretrain.encoders import TYPES, tiny


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("bort", "no encoder with a masked-LM head in transformers; did you mean 'bert'"),
        ("gpt2", "no encoder with a masked-LM head in transformers"),
        ("t5", "no encoder"),
        ("bart", "no plain text encoder: it has a decoder"),
        ("modernvbert", "no plain text encoder"),
    ],
)
def test_what_is_no_encoder_is_refused_by_name(model_type: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f"'{model_type}' is {reason}"):
        config_class(model_type)


def test_all_types_with_a_pair_head_are_known() -> None:
    models = Path(transformers.__file__).parent / "models"
    for model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        name = model_type.replace("-", "_")
        source = models / name / f"modeling_{name}.py"
        text = source.read_text("utf-8") if source.is_file() else ""
        found = re.findall(r"(seq_relationship_logits|sop_logits)=", text)
        assert set(found) == ({PAIRED[model_type]} if model_type in PAIRED else set())


def test_only_some_types_have_a_pair_head() -> None:
    with pytest.raises(UsageError, match=r"'roberta' has none, albert, bert, .* have: leave them out"):
        network_class("roberta", pairs=True)
    assert has_pair_head(tiny("albert", pairs=True))
    assert not has_pair_head(tiny("albert"))


@pytest.mark.parametrize("name", TYPES)
def test_segments_are_told_to_those_whose_tokenizers_tell_them(name: str) -> None:
    told = {"albert", "bert", "convbert", "electra", "nomic_bert", "rembert", "roformer"}
    assert reads_segments(tiny(name)) == (name in told)
    if name in told:
        assert not reads_segments(tiny(name, type_vocab_size=1))


@pytest.mark.parametrize("name", TYPES)
def test_the_longest_row_is_read_and_a_longer_one_is_not(name: str) -> None:
    model = tiny(name)
    room = positions(model.config)
    counted = {"mpnet": 2} | dict.fromkeys(("roberta", "xlm-roberta", "camembert"), 1)
    assert room == 64 - counted.get(name, 0)
    model(torch.full((1, room), 5))
    if name not in ("modernbert", "nomic_bert"):  # rotary: nothing in them ends
        with pytest.raises((IndexError, RuntimeError)):
            model(torch.full((1, room + 1), 5))


@pytest.mark.parametrize("name", [*TYPES, "deberta-v3"])
def test_the_heads_own_weights_are_all_that_is_not_the_encoders(name: str) -> None:
    model = tiny(name)
    own = head_parameters(model)
    encoder = list(model.base_model.parameters())
    assert own
    assert not {id(one) for one in own} & {id(one) for one in encoder}
    assert len(own) + len(encoder) == len(list(model.parameters()))


def test_the_pooler_is_of_the_pair_head_and_an_untied_table_of_the_head() -> None:
    model = tiny("bert", pairs=True, tie_word_embeddings=False)
    names = {name for name, _ in model.named_parameters()} - body_names(model)
    assert {"bert.pooler.dense.weight", "cls.predictions.decoder.weight", "cls.seq_relationship.bias"} < names
    assert not any("encoder" in name or "embeddings" in name for name in names)
