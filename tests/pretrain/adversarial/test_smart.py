"""SMART and R3F: ascents, regularisers and the slower self against the formulas written out by hand."""

import copy

import pytest
import torch

from pretrain.adversarial import R3f, Smart
from tests.pretrain.adversarial.by_hand import Deltas, symmetric_kl
from tests.pretrain.adversarial.making import (
    Watched,
    apart,
    assert_near,
    make_batch,
    make_model,
    plain_gradient,
)
from tests.pretrain.adversarial.making import by_hand as written_out

WORDS = {"level": "words", "unit": "absolute", "proximal": 0.0, "weight": 2.0}


def test_smart_ascends_the_divergence_and_learns_through_both_predictions() -> None:
    model, batch = make_model(), make_batch()
    settings = {"steps": 2, "step_size": 0.3, "epsilon": 0.4, "noise_scale": 0.1, "constant": "none"}
    watched = Watched(model, Smart.model_validate(WORDS | settings))
    gradient = watched.learn(batch)
    rows = written_out(model, batch)
    clean = [rows.said(row).detach() for row in range(3)]

    def apart_from_clean(deltas: Deltas) -> torch.Tensor:
        moved = [rows.said(row, delta) for row, delta in enumerate(deltas)]
        return torch.stack([symmetric_kl(p, q) for p, q in zip(clean, moved, strict=True)]).mean()

    walked = [apart(watched.seen[0], batch)]
    for _ in range(2):
        new = []
        for delta, slope in zip(walked[-1], rows.ascents(apart_from_clean, walked[-1]), strict=True):
            moved = delta + 0.3 * slope / slope.norm(dim=1, keepdim=True)  # each token by itself
            new.append(moved * (0.4 / moved.norm(dim=1, keepdim=True)).clamp(max=1.0))
        walked.append(new)
    assert len(watched.seen) == 3
    for found, deltas in zip(watched.seen, walked, strict=True):
        for one, other in zip(apart(found, batch), deltas, strict=True):
            assert_near(one, other, 1e-4)
    none = [torch.zeros_like(delta) for delta in walked[0]]
    smooth = torch.stack(
        [symmetric_kl(rows.said(row), rows.said(row, delta)) for row, delta in enumerate(walked[-1])]
    )
    assert_near(gradient, rows.gradient(rows.losses(none) + 2.0 * smooth.mean()), 1e-4)


def test_the_slower_self_is_a_running_mean_and_pulls_predictions_back() -> None:
    model, batch = make_model(), make_batch()
    adversary = Smart(weight=0.0, proximal=3.0, momentum=0.9, late_momentum=0.5, early=0.5)
    watched = Watched(model, adversary, steps=4)
    start = copy.deepcopy(model)
    first = watched.learn(batch, step=0)
    assert_near(first, plain_gradient(start, batch), 1e-6)  # itself still: nothing pulls
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.1)
    moved = [weight.detach().clone() for weight in model.parameters()]
    found = watched.learn(batch, step=1)
    pairs = zip(start.parameters(), moved, strict=True)
    slow = [0.9 * old.detach() + 0.1 * new for old, new in pairs]
    for one, other in zip(watched.state.values, slow, strict=True):
        assert_near(one, other, 1e-6)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), moved, strict=True))
    rows, past = written_out(model, batch), written_out(start, batch)
    torch.nn.utils.vector_to_parameters(
        torch.nn.utils.parameters_to_vector(slow).double(), past.network.parameters()
    )
    near = torch.stack([symmetric_kl(past.said(row).detach(), rows.said(row)) for row in range(3)])
    clean = rows.losses([torch.zeros(len(ids), 16).double() for ids in rows.ids])
    assert_near(found, rows.gradient(clean + 3.0 * near.mean()), 1e-4)
    watched.learn(batch, step=1)  # another micro-batch of that step
    assert_near(watched.state.values[0], slow[0], 1e-6)
    watched.learn(batch, step=2)  # half of the steps are over
    assert_near(watched.state.values[0], 0.5 * slow[0] + 0.5 * moved[0], 1e-6)


def test_profiles_are_where_the_settings_begin() -> None:
    paper = Smart.model_validate({"method": "smart", "profile": "paper", "step_size": 0.5})
    assert (paper.epsilon, paper.noise_scale, paper.step_size, paper.norm) == (1e-5, 1e-5, 0.5, "linf")
    released = Smart.model_validate({"profile": "released"})
    assert (released.proximal, released.projection, released.ascent) == (0.0, "rescale", "raw")
    assert Smart.model_validate(paper.model_dump()) == paper


def test_the_released_rule_gives_every_token_the_same_size() -> None:
    batch = make_batch()
    watched = Watched(make_model(), Smart.model_validate({"profile": "released"}))
    watched.learn(batch)
    largest = watched.seen[-1].abs().amax(-1)
    real = batch["attention_mask"].bool()
    assert largest[real].tolist() == pytest.approx([1.0] * int(real.sum()), rel=0.2)  # 1e-5 / (1e-5 + 1e-6)
    assert not largest[~real].any()


def test_an_ascent_that_is_no_number_leaves_the_clean_loss() -> None:
    model, batch = make_model(), make_batch()
    watched = Watched(model, Smart(proximal=0.0, noise_scale=1e38, unit="absolute"))
    assert_near(watched.learn(batch), plain_gradient(make_model(), batch), 1e-6)


@pytest.mark.parametrize("noise", ["uniform", "normal"])
def test_r3f_learns_from_the_divergence_under_noise(noise: str) -> None:
    model, batch = make_model(), make_batch()
    adversary = R3f.model_validate({"noise": noise, "noise_scale": 0.2, "weight": 2.0, "detached": False})
    watched = Watched(model, adversary)
    gradient = watched.learn(batch)
    rows, (delta,) = written_out(model, batch), watched.seen
    noised = apart(delta, batch)
    smooth = torch.stack([symmetric_kl(rows.said(row), rows.said(row, d)) for row, d in enumerate(noised)])
    clean = rows.losses([torch.zeros_like(d) for d in noised])
    assert_near(gradient, rows.gradient(clean + 2.0 * smooth.mean()), 1e-4)
    assert watched.training.cost == pytest.approx(2)


def test_no_noise_and_no_weight_are_plain_training() -> None:
    batch, plain = make_batch(), plain_gradient(make_model(), make_batch())
    for adversary in (R3f(noise_scale=0.0), R3f(weight=0.0), Smart(weight=0.0), Smart(epsilon=0.0)):
        assert_near(Watched(make_model(), adversary).learn(batch), plain, 1e-6)
