"""The formula against what torch counts while a network works, and the gauge that uses it."""

from functools import cache

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pretrain.adversarial import Adversary, Alum, FreeLb, Pgd
from pretrain.batch import Batch
from pretrain.engine import peak
from pretrain.engine.peak import matrix_peak
from pretrain.networks import attention
from pretrain.networks.flops import Flops
from pretrain.networks.network import Model, Network, build
from pretrain.objectives import Objectives
from pretrain.step import train_step
from pretrain.training.gauge import Gauge
from tests.pretrain.toys import NETWORK, toy_batch, toy_engine, toy_network, toy_window
from tests.tokenization.making import SIZE

MORE = {"num_hidden_layers": 2, "hidden_size": 32}
WITHOUT_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def full_batch(rows: int, width: int) -> Batch:
    """Without padding: every position is real."""
    batch = toy_batch(rows, 0, masked=7, width=width)
    real, places = torch.ones_like(batch.attention_mask), torch.arange(width).expand(rows, width)
    ids = batch.input_ids.clamp(min=5)
    return Batch(**{**vars(batch), "attention_mask": real, "input_ids": ids, "position_ids": places})


def counted(network: Network, batch: Batch, pairs: bool) -> int:
    """Floating-point operations of matrices in one pass forward and backward, as torch counts them."""
    objectives = Objectives.model_validate({"mlm": 1.0} | ({"sop": 1.0} if pairs else {})).active()
    with FlopCounterMode(display=False) as counter:
        outputs = network(batch)
        sum(term.term(outputs, batch).loss for term in objectives.values()).backward()  # type: ignore[union-attr]
    return int(counter.get_total_flops())


KINDS = [("bert", True), ("bert", False), ("electra", False), ("roberta", False)]


def in_matrices(query: Tensor, key: Tensor, value: Tensor, *_: object, scale: float) -> Tensor:
    """Attention in products that torch counts: those of its kernel for a CPU it does not."""
    return (query @ key.transpose(-1, -2) * scale).softmax(-1) @ value


@pytest.mark.parametrize(("kind", "pairs"), KINDS)
def test_the_formula_is_what_torch_counts(kind: str, pairs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = NETWORK | MORE | WITHOUT_DROPOUT | {"type": kind}
    model = build(Model.model_validate(settings), SIZE, 0, pairs, 0)
    monkeypatch.setattr(attention, "scaled_dot_product_attention", in_matrices)
    network = Network(model)
    rows, width = 3, 24
    batch = full_batch(rows, width)
    formula = Flops.of(network.model).total(rows * width, 7, rows)
    assert counted(network, batch, pairs) == pytest.approx(formula, rel=0.01)


def test_the_head_is_counted_at_positions_to_predict_alone() -> None:
    flops = Flops.of(toy_network(pairs=False).model)
    hidden = NETWORK["hidden_size"]
    assert isinstance(hidden, int)
    assert flops.prediction == 6 * (hidden * hidden + hidden * SIZE)
    assert flops.row == 0
    assert flops.total(10, 3, 2) - flops.total(10, 2, 2) == flops.prediction


@pytest.mark.parametrize(
    ("adversary", "forward", "to_weights", "to_activations"),
    [
        (Alum(), 3, 2, 3),
        (Alum(steps=3, rows=0.5), 3, 1.5, 3),  # 1 + (3 + 1) / 2 forward, as often back
        (Pgd(steps=2), 3, 1, 3),
        (FreeLb(steps=2), 3, 3, 3),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Adversary) else "",
)
def test_a_step_against_an_adversary_is_counted_by_hand(
    adversary: Adversary, forward: float, to_weights: float, to_activations: float
) -> None:
    model = toy_network(pairs=False).model
    plain, against = Flops.of(model), Flops.against(adversary, model)
    products = (forward + to_weights + to_activations) / 3  # plainly one of each
    assert against.token / plain.token == pytest.approx(products)
    assert against.prediction / plain.prediction == pytest.approx(products)
    assert against.neighbour / plain.neighbour == pytest.approx((forward + 2 * to_activations) / 3)
    assert adversary.work.passes == pytest.approx(products)


def test_with_all_tokens_compared_the_head_is_counted_at_each() -> None:
    model = toy_network(pairs=False).model
    masked, everywhere = (Flops.against(Alum(scope=scope), model) for scope in ("masked", "all"))
    assert everywhere.total(10, 3, 2) == pytest.approx(masked.total(10, 10, 2))


@pytest.mark.parametrize("adversary", [Alum(steps=2, health_every=0), Pgd(steps=2), FreeLb(steps=2)])
def test_an_adversarial_step_is_what_torch_counts(
    adversary: Adversary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the first layer's gradients to embeddings that need none: a few hundredths."""
    model = build(Model.model_validate(NETWORK | MORE | WITHOUT_DROPOUT), SIZE, 0, False, 0)
    monkeypatch.setattr(attention, "scaled_dot_product_attention", in_matrices)
    network = Network(model)
    network.open_to(adversary.level)
    rows, width = 3, 24
    window, objectives = toy_window(0, full_batch(rows, width)), Objectives.model_validate({"mlm": 1.0})
    with FlopCounterMode(display=False) as counter:
        train_step(toy_engine(network), window, objectives.active(), 1e-2, 0, adversary)
    formula = Flops.against(adversary, model).total(rows * width, 7, rows)
    assert counter.get_total_flops() == pytest.approx(formula, rel=0.03)


def test_the_peak_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "SECONDS", 0.0)
    monkeypatch.setattr(peak, "SIZES", {"cpu": 64})
    matrix_peak.cache_clear()
    state = torch.get_rng_state()
    measured = matrix_peak(torch.device("cpu"), "fp32")
    assert measured > 1e6
    assert matrix_peak(torch.device("cpu"), "fp32") == measured
    assert torch.equal(torch.get_rng_state(), state)
    matrix_peak.cache_clear()


def test_the_gauge_counts_what_passes_and_leaves_out_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("pretrain.training.gauge.time.monotonic", lambda: now)
    monkeypatch.setattr("pretrain.training.gauge.matrix_peak", lambda device, precision: 1e6)
    network, alum = toy_network(), Alum(every=2)
    gauge = Gauge(toy_engine(network), "fp32", alum)
    windows = [toy_window(step, toy_batch(4, step)) for step in range(2)]

    def slow() -> object:
        nonlocal now
        for window in windows:
            now += 1.0  # spent loading
            yield window

    for window in gauge.watch(iter(slow())):  # type: ignore[call-overload]
        assert window in windows
        now += 3.0  # spent learning
        with gauge.paused():
            now += 10.0
    row = gauge.read()
    tokens = sum(window.real_tokens for window in windows)
    assert row["tokens_per_second"] == pytest.approx(tokens / 8)
    assert row["steps_per_second"] == pytest.approx(2 / 8)
    assert row["loader_wait_share"] == pytest.approx(2 / 8)
    assert row["padding_share"] == pytest.approx(1 - tokens / (2 * 4 * 16))
    assert row["peak_memory"] > 1e7
    kinds = Flops.against(alum, network.model), Flops.of(network.model)
    work = sum(
        kind.total(window.real_tokens, window.masked_total, window.masks.rows)
        for kind, window in zip(kinds, windows, strict=True)
    )
    assert row["share_of_peak"] == pytest.approx(work / 8 / 1e6)
    assert gauge.read()["tokens_per_second"] == 0


def test_a_peak_that_training_passes_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now, measured = 0.0, [1.0, 1e9, 2.0]
    monkeypatch.setattr("pretrain.training.gauge.time.monotonic", lambda: now)
    peak = cache(lambda device, precision: measured.pop(0))
    monkeypatch.setattr("pretrain.training.gauge.matrix_peak", peak)
    network = toy_network()
    gauge = Gauge(toy_engine(network), "fp32")
    window = toy_window(0, toy_batch(4, 0))
    work = Flops.of(network.model).total(window.real_tokens, window.masked_total, window.masks.rows)

    def share(seconds: float) -> float:
        nonlocal now
        list(gauge.watch(iter([window])))
        now += seconds
        return gauge.read()["share_of_peak"]

    assert share(1.0) == pytest.approx(work / 1e9)  # above the first peak, so the second one is taken
    assert share(2.0) == pytest.approx(work / 2 / 1e9)
    assert share(work / 1e10) == 1  # the third one is no help: what was reached is the peak
    assert share(work / 1e9) == pytest.approx(0.1)
    assert not measured
