import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrain import randomness
from pretrain.networks.sampling import BLOCK, sample, uniform


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**31))
def test_uniform_numbers_are_those_of_the_masks(seed: int, counter: int) -> None:
    key = randomness.key(seed, "noise", 3, 7)
    said = float(uniform(torch.tensor(key.view(np.int64)), torch.tensor(counter)))
    assert 0 <= randomness.uniform(np.uint64(key), counter) - said < 2**-52


@pytest.mark.parametrize("size", [5, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_it_is_the_inverse_of_the_cumulative_distribution(size: int) -> None:
    dice = np.random.default_rng(size)
    logits, numbers = dice.normal(0, 3, (400, size)).astype(np.float32), dice.random(400)
    drawn = sample(torch.from_numpy(logits), torch.from_numpy(numbers)).numpy()
    chances = np.exp(logits.astype(np.float64))
    ends = (chances / chances.sum(1, keepdims=True)).cumsum(1)
    for id_, number, end in zip(drawn, numbers, ends, strict=True):  # to the rounding of float32
        assert end[id_] > number - 1e-6
        assert id_ == 0 or end[id_ - 1] < number + 1e-6


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_ids_come_as_often_as_the_softmax_says(temperature: float) -> None:
    logits = torch.tensor([0.0, 1.0, -1e4, 2.0, -1.0])
    draws = 40_000
    numbers = uniform(torch.zeros(draws, dtype=torch.int64), torch.arange(draws))
    counts = sample(logits.expand(draws, -1), numbers, temperature).bincount(minlength=5)
    wanted = (logits / temperature).double().softmax(-1) * draws
    assert int(counts[2]) == 0  # of probability 0
    likely = wanted > 0
    assert float(((counts - wanted) ** 2 / wanted)[likely].sum()) < 16.3  # chi-squared, 3 degrees, p = 0.001


@pytest.mark.parametrize("number", [0.0, 1 - 2.0**-52])
def test_the_ends_of_the_range_draw_ids_that_there_are(number: float) -> None:
    logits = torch.full((1, 2 * BLOCK + 3), -1e4)
    logits[0, 7], logits[0, BLOCK + 9] = 0.0, 0.0
    assert sample(logits, torch.tensor([number], dtype=torch.float64)).item() == (
        7 if not number else BLOCK + 9
    )


def test_half_precision_is_read_as_float32_and_what_is_no_number_gives_ids() -> None:
    numbers = torch.rand(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits = torch.randn(50, 300, generator=torch.Generator().manual_seed(1)).bfloat16()
    assert torch.equal(sample(logits, numbers), sample(logits.float(), numbers))
    assert sample(torch.full((50, 300), float("nan")), numbers).max() < 300
    assert sample(logits[:0], numbers[:0]).shape == (0,)
