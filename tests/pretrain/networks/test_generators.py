from typing import Any

import pytest
from pydantic import ValidationError
from transformers import CONFIG_MAPPING

from corpora.errors import UsageError
from pretrain.networks.generators import Generator, configure

BASE = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


def beside(name: str, **changes: Any) -> Any:  # noqa: ANN401 - a configuration of `transformers`
    return CONFIG_MAPPING[name](**{**BASE, **changes})


@pytest.mark.parametrize(
    ("hidden", "width", "heads", "found"),
    [
        (256, 0.25, 4, (64, 1)),
        (768, 0.3333, 12, (256, 4)),
        (768, 0.25, 12, (192, 3)),
        (1024, 0.25, 16, (256, 4)),
    ],
)
def test_published_sizes(hidden: int, width: float, heads: int, found: tuple[int, int]) -> None:
    """ELECTRA small, base and large; HFL's base (0.25)."""
    shape: dict[str, Any] = {"hidden_size": hidden, "num_attention_heads": heads, "embedding_size": 128}
    config = configure(Generator(width=width), beside("electra", **shape))
    assert (config.hidden_size, config.num_attention_heads) == found
    assert config.intermediate_size == 4 * config.hidden_size
    assert (config.num_hidden_layers, config.embedding_size) == (12, 128)


def test_all_else_is_the_discriminators() -> None:
    kept: dict[str, Any] = {
        "vocab_size": 123,
        "hidden_dropout_prob": 0.3,
        "type_vocab_size": 3,
        "layer_norm_eps": 1e-5,
    }
    config = configure(Generator(width=1.0, depth=0.5), beside("deberta-v2", **kept))
    assert {key: getattr(config, key) for key in kept} == kept
    assert (config.hidden_size, config.num_attention_heads, config.num_hidden_layers) == (768, 12, 6)


def test_a_narrow_generator_beside_bert_is_electras() -> None:
    config = configure(Generator(width=0.25), beside("bert", vocab_size=50))
    assert (config.model_type, config.embedding_size, config.hidden_size) == ("electra", 768, 192)
    assert config.vocab_size == 50
    assert configure(Generator(width=1.0, depth=0.5), beside("bert")).model_type == "bert"
    assert configure(Generator(width=0.25, sharing="untied"), beside("bert")).model_type == "bert"


def test_tables_of_its_own_have_a_width_of_their_own() -> None:
    config = configure(Generator(sharing="untied", embedding=64), beside("electra", embedding_size=768))
    assert (config.embedding_size, config.hidden_size) == (64, 192)


@pytest.mark.parametrize("name", ["roberta", "modernbert"])
def test_tables_without_a_projection_are_refused(name: str) -> None:
    with pytest.raises(
        UsageError, match=r"no projection from tables of width 768 to layers of width 192: set"
    ):
        configure(Generator(width=0.25), beside(name))
    assert configure(Generator(width=1.0, depth=0.25), beside(name)).num_hidden_layers == 3


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"embedding": 64}, "set sharing to untied, or model.embedding_size for both"),
        ({"uniform": True, "width": 0.5}, "uniform: true has no width to choose"),
        ({"from_pretrained": "x", "depth": 0.5, "width": 0.5}, "goes on has no width and depth to choose"),
        ({"from_pretrained": "x", "uniform": True}, "no network that could go on"),
        ({"width": 1.5}, "less than or equal to 1"),
        ({"sharing": "both"}, "'tied', 'gdes' or 'untied'"),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, object], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        Generator.model_validate(given)


def test_written_out_it_reads_back() -> None:
    for given in ({"uniform": True}, {"from_pretrained": "x"}, {"sharing": "untied", "embedding": 8}):
        generator = Generator.model_validate(given)
        assert Generator.model_validate(generator.model_dump(round_trip=True)) == generator


def test_half_the_layers_have_half_the_attentions() -> None:
    config = configure(Generator(width=1, depth=0.5), beside("modernbert"))
    whole = beside("modernbert").layer_types
    assert config.num_hidden_layers == 6
    assert config.layer_types == whole[:6]
    type(config)(**config.to_dict())  # which checks that the two agree
