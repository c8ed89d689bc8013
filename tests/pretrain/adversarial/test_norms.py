import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrain.adversarial.attack import Norm, Over, Places
from pretrain.adversarial.norms import Projection, lengths, normalised, projected, sizes

PLACES = Places(  # rows of 3, 1 and 2 tokens, end to end; the second and the last do not move
    tokens=torch.arange(6)[None],
    movable=torch.tensor([[True, False, True, True, True, False]]),
    special=torch.tensor([[False, True, False, False, False, True]]),
    sequence=torch.tensor([[0, 0, 0, 1, 2, 2]]),
    sequences=3,
)
GROUPS = {"token": [[0], [2], [3], [4]], "sequence": [[0, 2], [3], [4]]}  # movable ones
CASES = [(norm, over) for norm in ("linf", "l2") for over in ("token", "sequence")]


def moved(seed: int, scale: float) -> torch.Tensor:
    dice = torch.Generator().manual_seed(seed)
    return scale * torch.randn(1, 6, 4, generator=dice) * PLACES.movable[..., None]


@pytest.mark.parametrize(("norm", "over"), CASES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), scale=st.sampled_from([1e-6, 1.0, 1e3]))
def test_sizes_are_those_of_each_token_or_row(norm: Norm, over: Over, seed: int, scale: float) -> None:
    delta, kind = moved(seed, scale), torch.inf if norm == "linf" else 2
    found = sizes(delta, PLACES, norm, over)
    for group in GROUPS[over]:
        wanted = torch.linalg.vector_norm(delta[0, group], kind)
        assert found[0, group, 0].tolist() == pytest.approx([wanted.item()] * len(group), rel=1e-5)
    unit = sizes(normalised(delta + 1, PLACES, norm, over), PLACES, norm, over)
    assert unit[PLACES.movable].flatten().tolist() == pytest.approx([1.0] * 4, rel=1e-5)


@pytest.mark.parametrize("projection", ["ball", "clip", "rescale"])
@pytest.mark.parametrize(("norm", "over"), CASES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 99), scale=st.sampled_from([1e-6, 1.0, 1e3]))
def test_a_projection_keeps_the_radius_and_what_is_inside(
    norm: Norm, over: Over, projection: Projection, seed: int, scale: float
) -> None:
    if projection == "clip" and norm == "l2":
        return
    delta = moved(seed, scale)
    found = projected(delta, 0.5, PLACES, norm, over, projection)
    after, before = sizes(found, PLACES, norm, over), sizes(delta, PLACES, norm, over)
    assert after.max() <= 0.5 * (1 + 1e-5)
    if projection != "rescale" and before.max() <= 0.5:
        assert torch.equal(found, delta)
    if projection == "rescale":
        assert after[PLACES.movable].min() >= 0.5 * (1 - 1e-3)
    assert not found[~PLACES.movable].any()


def test_a_gradient_of_nothing_stays_nothing() -> None:
    assert not normalised(torch.zeros(1, 6, 4), PLACES).any()
    assert normalised(torch.ones(1, 6, 4), PLACES)[0, 1].sum() == 0  # where nothing is movable


def test_lengths_count_what_is_movable() -> None:
    assert lengths(PLACES).flatten().tolist() == [2, 2, 2, 1, 1, 1]
