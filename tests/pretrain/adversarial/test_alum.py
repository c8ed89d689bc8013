from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partialmethod
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pretrain import micro_batch
from pretrain.adversarial import Adversary, Alum, Pgd
from pretrain.adversarial.health import figures, is_adversarial
from pretrain.batch import Batch, Window
from pretrain.engine.deepspeed import Engine
from pretrain.micro_batch import MicroBatch
from pretrain.networks.network import Network
from pretrain.networks.pair import PairNetwork
from pretrain.networks.speeding import compile_encoder, keep_no_activations
from pretrain.objectives import Objectives
from pretrain.step import Step, train_step
from tests.pretrain.adversarial.alum_by_hand import ByHand
from tests.pretrain.toys import OBJECTIVES, toy_batch, toy_engine, toy_network, toy_window

MLM = Objectives.model_validate({"mlm": 1.0}).active()
SPECIAL = (7, 11)  # ids that stand for [CLS] and [SEP] in these rows


def opened(
    adversary: Adversary,
    zero: int = 0,
    dropout: float = 0.0,
    sharp: bool = True,
    **how: Any,  # noqa: ANN401
) -> Engine:
    """An engine around a toy network; `sharp`: of large weights, so that it says much."""
    network = toy_network(dropout=dropout)
    if sharp:
        with torch.no_grad():
            for parameter in network.model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(8)
    if how.pop("recomputed", False):
        keep_no_activations(network.model)
    if precision := how.pop("precision", None):
        network = Network(network.model, precision)
    network.open_to(adversary.level, SPECIAL)
    return toy_engine(network, zero, **how)


def seen_by(network: Network | PairNetwork) -> list[Tensor]:
    """A list that fills with every perturbation that the network sees."""
    seen: list[Tensor] = []
    assert network.embeddings is not None
    inner = network.embeddings.moved

    def moved(shift: Any) -> Any:  # noqa: ANN401
        if shift is not None and shift.delta is not None:
            seen.append(shift.delta.detach().clone())
        return inner(shift)

    network.embeddings.moved = moved  # type: ignore[method-assign]
    return seen


def gradients_before_update(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """A mapping that fills with the summed gradient of each parameter when the update comes."""
    kept: dict[str, Tensor] = {}

    def update(rate: float) -> float:
        named = engine.network.model.named_parameters()
        kept.update({name: one.grad.clone() for name, one in named if one.grad is not None})
        return Engine.update(engine, rate)

    monkeypatch.setattr(engine, "update", update)
    return kept


def padded(delta: Tensor, batch: Batch) -> Tensor:
    """End to end or not: (batch, length, width) float64, zeros on padding."""
    whole = torch.zeros(*batch.input_ids.shape, delta.shape[-1], dtype=torch.float64)
    real = batch.attention_mask
    whole[real] = (delta[0] if len(delta) == 1 else delta[real]).double()
    return whole


def state(engine: Engine) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in engine.weights().items()}


CASES: Mapping[str, Mapping[str, object]] = {
    "robust": {},
    "three ascents": {"steps": 3, "step_size": 0.06, "dropout": "same"},
    "linf by row": {"norm": "linf", "over": "sequence", "steps": 2},
    "l2 by row, words": {"over": "sequence", "level": "words", "epsilon": 0.3, "step_size": 0.2},
    "clip": {"norm": "linf", "projection": "clip", "epsilon": 0.05},
    "released": {"profile": "released"},
    "paper": {"profile": "paper"},
    "no specials, embeddings learn": {"specials": False, "embeddings_learn": True},
}


@pytest.mark.parametrize("case", CASES)
def test_each_ascent_and_the_gradient_equal_the_algorithm_by_hand(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alum = Alum.model_validate({"health_every": 0, **CASES[case]})
    batch = toy_batch(4, 0, masked=9)
    engine = opened(alum)
    window = toy_window(0, batch)
    hand = ByHand.of(engine.network, batch, window.masked_total, window.pair_total, 0.5)
    noise = noise_of(engine, window, alum)
    movable = batch.attention_mask.clone()
    if not alum.specials:
        movable &= ~torch.isin(batch.input_ids, torch.tensor(SPECIAL))
    wanted, apart, loss = hand.alum(alum, noise, movable)
    loss.backward()  # type: ignore[no-untyped-call]
    seen, kept = seen_by(engine.network), gradients_before_update(engine, monkeypatch)
    step = train_step(engine, window, OBJECTIVES, 1e-2, 0, alum)
    assert len(seen) == len(wanted)  # all but the last climb, the last one is learnt from
    for got, want in zip(seen, wanted, strict=True):
        torch.testing.assert_close(padded(got, batch), want, rtol=2e-3, atol=2e-4 * float(want.abs().max()))
        assert not padded(got, batch)[~movable].any()
    assert step.noted["divergence"] == pytest.approx(apart.item(), rel=5e-3, abs=1e-7)
    for name, parameter in hand.model.named_parameters():
        want = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(kept[name].double(), want, rtol=1e-3, atol=2e-5, msg=name)


def noise_of(engine: Engine, window: Window, alum: Alum) -> Tensor:
    """The draws that the step will start from, (batch, length, width)."""
    (batch,) = window.batches
    return padded(MicroBatch(engine, batch, window, OBJECTIVES, alum, (0, 0)).noise("normal", "start"), batch)


def test_the_radius_is_kept_after_every_ascent_and_pads_never_move() -> None:
    alum = Alum(steps=4, step_size=0.2, epsilon=0.15, unit="absolute", noise_scale=0.5)
    engine, batch = opened(alum), toy_batch(4, 0)
    seen = seen_by(engine.network)
    train_step(engine, toy_window(0, batch), OBJECTIVES, 1e-2, 0, alum)
    for delta in seen[1:]:  # what it starts from is noise
        lengths = padded(delta, batch).norm(dim=-1)
        assert lengths.max() <= 0.15 * (1 + 1e-6)
        assert lengths[batch.attention_mask].min() > 0


@pytest.mark.parametrize("failing", [False, True])
def test_an_ascent_leaves_the_parameters_gradients_alone(
    failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    alum = Alum()
    engine, batch = opened(alum), toy_batch(4, 0)
    window = toy_window(0, batch)
    attack = MicroBatch(engine, batch, window, OBJECTIVES, alum, (0, 0))
    parameters = list(engine.network.parameters())
    for number, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, float(number))
    parameters[3].requires_grad_(False)
    clean = attack.outputs()

    def measure(said: Any) -> Tensor:  # noqa: ANN401
        if failing:
            raise RuntimeError("no memory")
        assert not any(parameter.requires_grad for parameter in parameters)
        return attack.divergence(clean, said)

    delta = attack.noise("normal", "start")
    if failing:
        with pytest.raises(RuntimeError):
            attack.gradient(delta, measure)
    else:
        assert attack.gradient(delta, measure).abs().sum() > 0
    for number, parameter in enumerate(parameters):
        assert parameter.grad is not None
        assert (parameter.grad == number).all()
        assert parameter.requires_grad == (number != 3)


@pytest.mark.parametrize("zero", [0, 1, 2, 3])
@pytest.mark.parametrize("adversary", [Alum(weight=0.0), Alum(start_step=5), Alum(every=3, start_step=4)])
def test_plain_steps_equal_the_plain_trainer_bit_by_bit(zero: int, adversary: Alum) -> None:
    windows = [toy_window(n, toy_batch(4, n), toy_batch(3, n + 9)) for n in range(3)]
    plain, ours = toy_engine(toy_network(dropout=0.2), zero), opened(adversary, zero, 0.2, sharp=False)
    for window in windows:
        wanted = train_step(plain, window, OBJECTIVES, 1e-2, 0)
        assert train_step(ours, window, OBJECTIVES, 1e-2, 0, adversary) == wanted
    got = state(ours)
    assert all(torch.equal(tensor, got[name]) for name, tensor in state(plain).items())


PGD = Pgd(steps=2, unit="absolute", step_size=0.1, epsilon=0.3)  # under ZeRO 3 no word table is whole
ADVERSARIES = (Alum(dropout="off"), Alum(rows=0.6, scope="all"), PGD)


def trained(engine: Engine, adversary: Adversary, *windows: Window) -> list[Step]:
    return [train_step(engine, window, OBJECTIVES, 1e-2, 0, adversary) for window in windows]


@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_zero_stages_and_recomputed_activations_agree(adversary: Adversary) -> None:
    windows = [toy_window(n, toy_batch(4, n), toy_batch(3, n + 9, masked=0)) for n in range(2)]
    plain = opened(adversary, 0, 0.2, sharp=False)
    wanted, before = trained(plain, adversary, *windows), state(opened(adversary, sharp=False))
    for how in ({"zero": 1}, {"zero": 2}, {"zero": 3}, {"recomputed": True}, {"zero": 3, "recomputed": True}):
        engine = opened(adversary, dropout=0.2, sharp=False, **how)
        for one, other in zip(trained(engine, adversary, *windows), wanted, strict=True):
            assert one.norm == pytest.approx(other.norm, rel=1e-4)
            assert one.noted == pytest.approx(other.noted, rel=1e-3, abs=1e-9)
        for name, tensor in state(plain).items():
            torch.testing.assert_close(state(engine)[name], tensor, rtol=1e-4, atol=1e-5, msg=f"{how} {name}")
    assert any(not torch.equal(before[name], tensor) for name, tensor in state(plain).items())


@pytest.mark.slow
@pytest.mark.parametrize("adversary", [Alum(dropout="off"), Pgd(steps=2)])
def test_a_compiled_encoder_agrees(adversary: Adversary) -> None:
    windows = [toy_window(n, toy_batch(4, n), toy_batch(4, n + 9)) for n in range(2)]
    plain, engine = (opened(adversary, sharp=False) for _ in range(2))
    compile_encoder(engine.network.model)
    for one, other in zip(
        trained(engine, adversary, *windows), trained(plain, adversary, *windows), strict=True
    ):
        assert one.norm == pytest.approx(other.norm, rel=1e-4)
    for name, tensor in state(plain).items():
        torch.testing.assert_close(state(engine)[name], tensor, rtol=1e-3, atol=1e-4, msg=name)


PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm")


def products_of_an_ascent(engine: Engine, adversary: Adversary) -> int:
    """Matrix products, as the profiler sees them (a counter among torch's modes would not be compiled)."""
    batch = toy_batch(5, 77)
    attack = MicroBatch(engine, batch, toy_window(0, batch), OBJECTIVES, adversary, (0, 0))
    clean, delta = attack.outputs(), attack.noise("normal", "start")
    attack.gradient(delta, lambda said: attack.divergence(clean, said))  # compiled now, if it was not
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        attack.gradient(delta, lambda said: attack.divergence(clean, said))
    return sum(event.count for event in profile.key_averages() if event.key in PRODUCTS)


@pytest.mark.slow
def test_compiled_ascents_compute_no_gradient_of_weights_and_nothing_is_compiled_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Traced and differentiated; machine code would take seconds, and is that of any encoder."""
    monkeypatch.setattr(nn.Module, "compile", partialmethod(nn.Module.compile, backend="aot_eager"))
    alum, counted = Alum(health_every=1), torch._dynamo.utils.counters["stats"]
    plain, engine = (opened(alum, dropout=0.1) for _ in range(2))
    compile_encoder(engine.network.model)
    graphs = []
    with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
        for step, rows in enumerate((4, 5, 7, 9)):
            trained(engine, alum, toy_window(step, toy_batch(rows, step)))
            with torch.no_grad():
                engine.network.eval()(toy_batch(rows, step))
            engine.network.train()
            graphs.append(counted["unique_graphs"])
        assert graphs[1] == graphs[3]  # for one length, for any length, and no more
        assert products_of_an_ascent(engine, alum) == products_of_an_ascent(plain, alum)
        monkeypatch.setattr(micro_batch, "frozen", lambda network: nullcontext())
        assert products_of_an_ascent(engine, alum) > products_of_an_ascent(plain, alum)  # it would see them


@pytest.mark.parametrize("adversary", [*ADVERSARIES, Alum(over="sequence")])
@pytest.mark.parametrize("side_by_side", [False, True])
def test_one_micro_batch_equals_four(
    adversary: Adversary, side_by_side: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = toy_batch(8, 0, masked=14)
    rows = torch.arange(8)
    parts = [whole.only((rows == 2 * n) | (rows == 2 * n + 1)) for n in range(4)]
    one, four = opened(adversary), opened(adversary)
    if side_by_side:
        monkeypatch.setattr(four.network._lay, "_joins", False)
    (once,) = trained(one, adversary, toy_window(0, whole))
    (split,) = trained(four, adversary, toy_window(0, *parts))
    assert split.losses == pytest.approx(once.losses, rel=1e-4)
    assert split.norm == pytest.approx(once.norm, rel=1e-3)
    if "divergence" in once.noted:
        assert split.noted["divergence"] == pytest.approx(once.noted["divergence"], rel=1e-3)


def test_nothing_is_regularised_at_radius_0() -> None:
    alum = Alum(epsilon=0.0, dropout="same")
    engine = opened(alum, dropout=0.3)
    (step,) = trained(engine, alum, toy_window(0, toy_batch(4, 0)))
    assert 0 <= step.noted["divergence"] < 1e-6
    plain = toy_engine(toy_network(dropout=0.3))
    wanted = train_step(plain, toy_window(0, toy_batch(4, 0)), OBJECTIVES, 1e-2, 0)
    ours = opened(alum, dropout=0.3, sharp=False)
    assert trained(ours, alum, toy_window(0, toy_batch(4, 0)))[0].norm == pytest.approx(wanted.norm, rel=1e-5)


@pytest.mark.parametrize("zero", [0, 3])
def test_measuring_disturbs_nothing(zero: int) -> None:
    ends = []
    for every in (0, 1):
        alum = Alum(health_every=every)
        engine = opened(alum, zero, 0.2)
        steps = trained(
            engine, alum, *(toy_window(n, toy_batch(4, n), toy_batch(3, n + 7)) for n in range(2))
        )
        assert bool(figures(steps[0].noted)) == bool(every)
        ends.append(state(engine))
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())


def test_an_ascent_that_is_no_number_drops_the_term_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    alum = Alum(dropout="same")
    engine, plain = opened(alum, sharp=False), toy_engine(toy_network())
    monkeypatch.setattr(micro_batch, "kl", lambda one, other: (other.float() * float("nan")).sum())
    window = toy_window(0, toy_batch(4, 0), toy_batch(3, 1))
    step = train_step(engine, window, OBJECTIVES, 1e-2, 0, alum)
    wanted = train_step(plain, window, OBJECTIVES, 1e-2, 0)
    assert step.applied
    assert step.noted["dropped"] == step.noted["micro_batches"] == 2
    assert step.noted["divergence"] == 0
    assert step.norm == pytest.approx(wanted.norm, rel=1e-6)
    for name, tensor in state(plain).items():
        torch.testing.assert_close(state(engine)[name], tensor, rtol=1e-6, atol=1e-7, msg=name)


def test_a_step_costs_8_thirds_of_a_plain_one_in_matrix_products() -> None:
    """Forward 3 times, back to delta once, back to the weights through two graphs: 8 parts beside 3."""

    def products(adversary: Alum | None) -> int:
        engine = opened(adversary or Alum())
        with FlopCounterMode(display=False) as counter:
            train_step(engine, toy_window(0, toy_batch(6, 0, masked=9)), MLM, 1e-2, 0, adversary)
        return int(counter.get_total_flops())

    assert 2.4 < products(Alum(health_every=0)) / products(None) <= 8 / 3  # what nothing needs is left out


def pattern_batch(step: int) -> Batch:
    """Rows that count upwards from somewhere: a network learns them in a few steps."""
    dice = torch.Generator().manual_seed(step)
    batch = toy_batch(16, step, masked=40)
    first = torch.randint(5, 15, (16, 1), generator=dice)
    ids = first + torch.arange(16) % 8
    shown = ids.flatten().clone()
    shown[batch.masked_positions] = 4
    real = torch.ones_like(batch.attention_mask)
    return replace(
        batch,
        input_ids=shown.view(16, 16),
        attention_mask=real,
        position_ids=torch.arange(16).expand(16, 16),
        masked_targets=ids.flatten()[batch.masked_positions],
    )


@pytest.fixture(scope="module")
def learnt() -> dict[str, Tensor]:
    """Weights of a toy network that has learnt the pattern."""
    engine = toy_engine(toy_network(pairs=False))
    for step in range(120):
        found = train_step(engine, toy_window(step, pattern_batch(step)), MLM, 1e-2, 0)
    assert found.hits["mlm"] > 0.5 * found.counts["mlm"]
    return state(engine)


def knowing(learnt: Mapping[str, Tensor], adversary: Adversary, precision: str = "fp32") -> Engine:
    network = Network(toy_network(pairs=False).model, precision)
    network.model.load_state_dict(learnt)
    network.open_to(adversary.level, SPECIAL)
    return toy_engine(network)


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("changes", [{}, {"profile": "released"}, {"level": "words"}, {"norm": "linf"}])
def test_ascents_climb_in_the_true_direction_in_every_precision(
    learnt: dict[str, Tensor], precision: str, changes: dict[str, object]
) -> None:
    """Cosine to the gradient in float64, on a network that has learnt something."""
    alum, batch = Alum.model_validate(changes), pattern_batch(999)
    window = toy_window(0, batch)
    found = []
    for kind in (precision, "exact"):
        engine = knowing(learnt, alum, "fp32" if kind == "exact" else kind)
        attack = MicroBatch(engine, batch, window, MLM, alum, (0, 0))
        clean = attack.outputs()
        start = alum._noise(attack)
        if kind == "exact":
            hand = ByHand.of(engine.network, batch, window.masked_total, 1, 0.0)
            e = hand.embedded(alum.level).detach()
            slope = hand.slope(alum.level, e, hand.say(alum.level, e), padded(start, batch))
            found.append(slope.flatten())
        else:
            slope = attack.gradient(start, lambda said: attack.divergence(clean, said))  # noqa: B023
            found.append(padded(slope, batch).flatten())
    assert torch.cosine_similarity(found[0], found[1], dim=0) >= 0.95


def test_robust_is_adversarial_and_the_released_rule_is_noise(learnt: dict[str, Tensor]) -> None:
    measured = {}
    for profile in ("robust", "released", "paper"):
        alum = Alum.model_validate({"profile": profile, "health_every": 1})
        step = train_step(knowing(learnt, alum), toy_window(0, pattern_batch(999)), MLM, 0.0, 0, alum)
        measured[profile] = figures(step.noted)
    assert is_adversarial(measured["robust"])
    assert measured["robust"]["kl_delta"] > 3 * measured["robust"]["kl_random"] > 0
    assert measured["released"]["delta_cosine"] > 0.9999
    assert measured["paper"]["kl_delta"] < 1e-6
    assert not is_adversarial(measured["released"])
    assert not is_adversarial(measured["paper"])


@pytest.mark.parametrize(
    ("delta", "random", "zero", "wanted"),
    [
        (0.1274, 0.0335, 0.0325, True),  # robust, as measured on a trained network
        (0.0462, 0.0450, 0.0325, False),  # released: noise that was lucky
        (0.0480, 0.0461, 0.0335, False),  # the same in bf16
        (0.03249498, 0.03249495, 0.03249497, False),  # paper: rounding
        (0.520, 0.502, 0.500, True),  # much dropout hides nothing
        (0.02, 0.03, 0.01, False),
    ],
)
def test_a_run_is_adversarial_where_its_perturbations_clearly_beat_noise(
    delta: float, random: float, zero: float, wanted: bool
) -> None:
    assert is_adversarial({"kl_delta": delta, "kl_random": random, "kl_zero": zero}) == wanted


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "l2", "projection": "clip"}, "projection: clip bounds coordinates"),
        ({"epsilon": -1.0}, "epsilon"),
        ({"profile": "paranoid"}, "robust"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Alum.model_validate(settings)


def test_a_profile_is_where_the_settings_begin() -> None:
    released = Alum.model_validate({"profile": "released", "epsilon": 0.5})
    assert (released.weight, released.ascent, released.epsilon) == (10.0, "raw", 0.5)
    assert Alum.model_validate(released.model_dump()) == released


def test_the_weight_climbs_from_the_first_adversarial_step() -> None:
    alum = Alum(weight=2.0, start_step=10, ramp_steps=4)
    assert [alum.factor(step) for step in (10, 11, 13, 20)] == [0.5, 1.0, 2.0, 2.0]
    assert [alum.due(step) for step in (9, 10)] == [False, True]
