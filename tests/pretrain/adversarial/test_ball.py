"""PGD, FreeLB, FreeAT: every perturbation and gradient is that of the algorithm written out by hand."""

from collections.abc import Mapping

import pytest
import torch

from pretrain.adversarial import Adversary, FreeAt, FreeLb, Pgd, TextAt
from tests.pretrain.adversarial import by_hand
from tests.pretrain.adversarial.by_hand import Deltas
from tests.pretrain.adversarial.making import (
    Watched,
    apart,
    assert_near,
    backward,
    make_batch,
    make_model,
    plain_gradient,
    take_gradient,
)
from tests.pretrain.adversarial.making import by_hand as written_out

BALL = {"unit": "absolute", "step_size": 0.3, "epsilon": 0.5, "noise_scale": 0.6}


def assert_walk(watched: Watched, batch: dict[str, torch.Tensor], wanted: list[Deltas]) -> None:
    assert len(watched.seen) == len(wanted)
    for found, deltas in zip(watched.seen, wanted, strict=True):
        for one, other in zip(apart(found, batch), deltas, strict=True):
            assert_near(one, other)


def test_pgd_learns_at_the_end_of_its_ascents_alone() -> None:
    model, batch = make_model(), make_batch()
    watched = Watched(model, Pgd.model_validate({"steps": 3, **BALL}))
    gradient = watched.learn(batch)
    walked, wanted = by_hand.pgd(
        written_out(model, batch), apart(watched.seen[0], batch), 3, step=0.3, radius=0.5
    )
    assert_walk(watched, batch, walked)
    assert_near(gradient, wanted)


@pytest.mark.parametrize(("counting", "passes"), [("ascents", 4), ("passes", 3)])
def test_freelb_learns_from_the_mean_over_its_passes(counting: str, passes: int) -> None:
    model, batch = make_model(), make_batch()
    watched = Watched(model, FreeLb.model_validate({"counting": counting, **BALL}))
    gradient = watched.learn(batch)
    walked, wanted = by_hand.freelb(
        written_out(model, batch), apart(watched.seen[0], batch), passes, step=0.3, radius=0.5
    )
    assert watched.training.cost == pytest.approx(len(walked))
    assert len(walked) == passes
    assert_walk(watched, batch, walked)
    assert_near(gradient, wanted)


def test_free_at_updates_after_every_pass_and_carries_the_perturbation_on() -> None:
    model, batch = make_model(), make_batch()
    rows = written_out(model, batch)
    watched = Watched(model, FreeAt.model_validate({"steps": 3, **BALL}))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gradients = []
    for one in watched.passes(batch):
        backward(one.loss)
        optimizer.step()
        gradients.append(take_gradient(model))
    walked, wanted = by_hand.free_at(rows, apart(watched.seen[0], batch), 3, step=0.3, radius=0.5, rate=0.1)
    assert_walk(watched, batch, walked)
    for found, other in zip(gradients, wanted, strict=True):
        assert_near(found, other, 1e-4)


@pytest.mark.parametrize("kind", [Pgd, FreeLb, FreeAt])
@pytest.mark.parametrize("epsilon", [0.05, None])
def test_a_perturbation_stays_in_its_ball(kind: type[Adversary], epsilon: float | None) -> None:
    batch = make_batch()
    watched = Watched(make_model(), kind.model_validate({**BALL, "epsilon": epsilon}))
    watched.learn(batch)
    sizes = torch.stack([delta.flatten(1).norm(dim=1) for delta in watched.seen])
    assert bool((sizes[-1] > 0.5).all()) if epsilon is None else sizes.max() <= 0.05 * (1 + 1e-5)


def test_the_start_is_as_large_as_settings_say_whatever_the_length() -> None:
    watched = Watched(
        make_model(), Pgd(steps=1, step_size=0.0, noise_scale=0.6, epsilon=None, unit="absolute")
    )
    next(iter(watched.passes(make_batch())))
    delta = watched.seen[0]
    for row, length in zip(delta, (9, 5, 7), strict=True):
        assert row.abs().max() <= 0.6 / (length * 16) ** 0.5
        assert row.norm().item() == pytest.approx(0.6 / 3**0.5, rel=0.15)  # of uniform numbers


@pytest.mark.parametrize("kind", [Pgd, FreeLb, FreeAt, TextAt])
@pytest.mark.parametrize("epsilon", [0.4, None])
def test_lengths_are_measured_in_word_vectors(kind: type[Adversary], epsilon: float | None) -> None:
    batch, of_words = make_batch(), {"step_size": 0.2, "epsilon": epsilon, "noise_scale": 0.3}
    words = make_model().get_input_embeddings().weight.detach().double()
    length = float((words.norm(dim=1) ** 2).mean().sqrt())
    absolute = {name: size if size is None else size * length for name, size in of_words.items()}

    def seen(settings: Mapping[str, object]) -> list[torch.Tensor]:
        torch.manual_seed(1)  # of TextAT's table
        watched = Watched(make_model(), kind.model_validate(settings))
        watched.learn(batch)
        return watched.seen

    for found, wanted in zip(seen(of_words), seen(absolute | {"unit": "absolute"}), strict=True):
        assert_near(found, wanted, 1e-6)


def test_word_vectors_are_no_measure_of_what_comes_after_layer_norm() -> None:
    with pytest.raises(ValueError, match="set unit to absolute"):
        Pgd(level="embeddings")
    assert Pgd(level="embeddings", unit="absolute").level == "embeddings"


@pytest.mark.parametrize("kind", [Pgd, FreeLb, FreeAt])
def test_a_ball_of_no_size_is_plain_training(kind: type[Adversary]) -> None:
    batch = make_batch()
    watched = Watched(make_model(), kind.model_validate({"epsilon": 0.0}))
    if kind is FreeAt:  # each pass is a whole one
        backward(next(iter(watched.passes(batch))).loss)
        found = take_gradient(watched.model)
    else:
        found = watched.learn(batch)
    assert_near(found, plain_gradient(make_model(), batch), 1e-6)


def test_freelb_has_the_same_dropout_masks_in_all_passes() -> None:
    batch = make_batch()

    def losses(dropout: str) -> list[float]:
        torch.manual_seed(3)
        watched = Watched(make_model(dropout=0.3), FreeLb.model_validate({"epsilon": 0, "dropout": dropout}))
        return [one.loss.item() for one in watched.passes(batch)]

    assert len(set(losses("same"))) == 1
    assert len(set(losses("fresh"))) == 4


def test_specials_are_left_alone_where_that_is_asked() -> None:
    batch = make_batch()
    watched = Watched(make_model(), FreeLb(specials=False))
    watched.learn(batch)
    special = torch.isin(batch["input_ids"], torch.tensor([1, 2]))
    assert all(not delta[special].any() and delta[~special].any() for delta in watched.seen)
