import numpy as np
import pytest
import torch
from torch import nn

from corpora.errors import UsageError
from pretrain.objectives import Objectives
from pretrain.optimizers import AdamW, BertAdam, Lamb, Optimizer, groups, set_rate
from pretrain.step import train_step
from tests.pretrain.toys import toy_batch, toy_engine, toy_network, toy_window


def two_tensors() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def gradients(module: nn.Module, step: int) -> None:
    for number, parameter in enumerate(module.parameters()):
        dice = torch.Generator().manual_seed(10 * step + number)
        parameter.grad = torch.randn(parameter.shape, generator=dice)


def reference(optimizer: str, corrected: bool, steps: int) -> list[np.ndarray]:
    """Adam's or LAMB's rule, written out in float64 (algorithm 2 of each paper).

    Not corrected: `next_m / (sqrt(next_v) + epsilon) + weight_decay * param` of google-research/bert.
    """
    module = two_tensors()
    weights = [p.detach().double().numpy().copy() for p in module.parameters()]
    means, squares = ([np.zeros_like(w) for w in weights] for _ in range(2))
    for step in range(1, steps + 1):
        gradients(module, step)
        for n, parameter in enumerate(module.parameters()):
            assert parameter.grad is not None
            g = parameter.grad.double().numpy()
            means[n] = 0.9 * means[n] + 0.1 * g
            squares[n] = 0.999 * squares[n] + 0.001 * g * g
            m = means[n] / (1 - 0.9**step) if corrected else means[n]
            v = squares[n] / (1 - 0.999**step) if corrected else squares[n]
            decay = 0.01 if weights[n].ndim > 1 else 0.0
            update = m / (np.sqrt(v) + 1e-6) + decay * weights[n]
            adapts = optimizer == "lamb" and weights[n].ndim > 1
            ratio = np.linalg.norm(weights[n]) / np.linalg.norm(update) if adapts else 1.0
            weights[n] = weights[n] - 0.01 * ratio * update
    return weights


@pytest.mark.parametrize(
    ("settings", "name", "corrected"),
    [
        (AdamW(lr=0.01), "adamw", True),
        (BertAdam(lr=0.01), "adam", False),
        (Lamb(lr=0.01), "lamb", True),
        (Lamb(lr=0.01, bias_correction=False), "lamb", False),
    ],
)
def test_three_steps_against_float64(settings: Optimizer, name: str, corrected: bool) -> None:
    module = two_tensors()
    optimizer = settings.build(module)
    for step in range(1, 4):
        gradients(module, step)
        set_rate(optimizer, 0.01)
        optimizer.step()
    for parameter, wanted in zip(module.parameters(), reference(name, corrected, 3), strict=True):
        np.testing.assert_allclose(parameter.detach().numpy(), wanted, rtol=2e-5, atol=1e-7)


def test_lamb_moves_a_tensor_of_zeros() -> None:
    module = nn.Linear(3, 2, bias=False)
    nn.init.zeros_(module.weight)
    optimizer = Lamb(lr=0.1).build(module)
    module.weight.grad = torch.ones_like(module.weight)
    optimizer.step()
    assert module.weight.abs().min() > 0


def test_biases_and_layer_norms_do_not_decay_and_tied_tensors_appear_once() -> None:
    network = toy_network()
    decayed, free = groups(network, 0.01)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    listed = [names[id(parameter)] for group in (decayed, free) for parameter in group["params"]]
    assert len(listed) == len(set(listed)) == len(names)
    assert all(
        name.endswith("bias") or "LayerNorm" in name for name in (names[id(p)] for p in free["params"])
    )
    assert not any(
        name.endswith("bias") or "LayerNorm" in name for name in (names[id(p)] for p in decayed["params"])
    )
    assert free["weight_decay"] == 0
    assert decayed["weight_decay"] == 0.01
    assert network.model.cls.predictions.decoder.weight is network.model.get_input_embeddings().weight


@pytest.mark.parametrize(
    ("settings", "step", "times"),
    [
        (BertAdam(), 1, 3.2),  # by how much the steps of BERT's Adam are larger
        (BertAdam(), 12, 6.5),
        (BertAdam(), 100, 3.2),
        (BertAdam(), 1000, 1.26),
    ],
)
def test_without_correction_first_steps_are_larger(settings: BertAdam, step: int, times: float) -> None:
    moved = []
    for one in (settings, AdamW()):
        weight = nn.Parameter(torch.zeros(1))
        module = nn.ParameterList([weight])
        optimizer = one.build(module)
        for _ in range(step):
            before, weight.grad = weight.item(), torch.full((1,), 0.1)
            optimizer.step()
        moved.append(weight.item() - before)
    assert moved[0] / moved[1] == pytest.approx(times, rel=0.02)


@pytest.mark.parametrize("zero", [1, 2, 3])
def test_berts_adam_with_a_rate_for_each_layer_is_the_same_under_zero(zero: int) -> None:
    optimizer = BertAdam(layer_decay=0.5)
    asked = Objectives.model_validate({"mlm": 1.0, "sop": 1.0}).active()
    engines = [toy_engine(toy_network(), stage, 1.0, optimizer) for stage in (0, zero)]
    for engine in engines:
        for step in range(3):
            train_step(engine, toy_window(step, toy_batch(4, step)), asked, 1e-2, seed=0)
    plain, sharded = (engine.weights() for engine in engines)
    for name, tensor in plain.items():
        torch.testing.assert_close(sharded[name], tensor, rtol=1e-5, atol=2e-6, msg=name)


def tiny(model_type: str, **options: object) -> nn.Module:
    """A masked-LM network of three layers, as transformers builds it."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 8}
    config = AutoConfig.for_model(model_type, vocab_size=30, pad_token_id=0, **sizes, **options)
    network: nn.Module = AutoModelForMaskedLM.from_config(config)  # type: ignore[no-untyped-call]
    return network


HALF_A_LAYER = {
    "bert": {
        "bert.embeddings.word_embeddings.weight": 1 / 16,
        "bert.embeddings.LayerNorm.bias": 1 / 16,
        "bert.encoder.layer.0.attention.self.query.weight": 1 / 8,
        "bert.encoder.layer.1.output.LayerNorm.weight": 1 / 4,
        "bert.encoder.layer.2.output.dense.bias": 1 / 2,
        "cls.predictions.transform.dense.weight": 1,
        "cls.predictions.bias": 1,
    },
    "roberta": {
        "roberta.embeddings.position_embeddings.weight": 1 / 16,
        "roberta.encoder.layer.2.output.dense.weight": 1 / 2,
        "lm_head.dense.weight": 1,
    },
    "electra": {
        "electra.embeddings_project.weight": 1 / 16,
        "electra.encoder.layer.0.output.dense.weight": 1 / 8,
        "generator_predictions.dense.weight": 1,
    },
    "modernbert": {
        "model.embeddings.tok_embeddings.weight": 1 / 16,
        "model.layers.0.mlp.Wi.weight": 1 / 8,
        "model.layers.2.mlp.Wo.weight": 1 / 2,
        "model.final_norm.weight": 1,
        "head.dense.weight": 1,
    },
    "deberta-v2": {
        "deberta.embeddings.word_embeddings.weight": 1 / 16,
        "deberta.encoder.rel_embeddings.weight": 1 / 16,
        "deberta.encoder.layer.1.output.dense.weight": 1 / 4,
        "cls.predictions.transform.dense.weight": 1,
    },
}


@pytest.mark.parametrize("model_type", HALF_A_LAYER)
def test_each_layer_learns_at_half_the_rate_of_the_one_above(model_type: str) -> None:
    relative = {"relative_attention": True, "position_buckets": 4} if model_type == "deberta-v2" else {}
    network = tiny(model_type, embedding_size=4, **relative)
    found = groups(network, 0.01, layer_decay=0.5)
    names = {parameter: name for name, parameter in network.named_parameters()}
    shares = {names[parameter]: group["share"] for group in found for parameter in group["params"]}
    assert len(shares) == len(names) == sum(len(group["params"]) for group in found)
    assert shares.items() >= HALF_A_LAYER[model_type].items()
    for group in found:
        assert all((parameter.ndim > 1) == group["adapt"] for parameter in group["params"])


def test_the_rate_of_a_step_is_shared_out_by_layer() -> None:
    network = tiny("bert")
    optimizer = AdamW(layer_decay=0.5).build(network)
    set_rate(optimizer, 8.0)
    assert sorted({group["lr"] for group in optimizer.param_groups}) == [0.5, 1, 2, 4, 8]


def test_layers_that_share_their_weights_have_no_rates_of_their_own() -> None:
    with pytest.raises(
        UsageError,
        match="AlbertForMaskedLM has no layers with weights of their own",
    ):
        AdamW(layer_decay=0.9).build(tiny("albert"))
    with pytest.raises(UsageError, match="Linear has no layers"):
        AdamW(layer_decay=0.9).build(nn.Linear(2, 2))
