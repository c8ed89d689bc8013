import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrain.randomness import below, draw, key, permutation, torch_seed, uniform


def test_draws_are_splitmix64() -> None:
    # The published output of the reference generator for seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert [int(draw(np.uint64(1234567), i)) for i in range(4)] == expected


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.integers(1, 2**31))
def test_draws_stay_in_range(number: int, counter: int, bound: int) -> None:
    assert 0 <= uniform(np.uint64(number), counter) < 1
    assert 0 <= below(np.uint64(number), counter, bound) < bound


def test_draws_are_uniform() -> None:
    keys = key(0, "test", 0, np.arange(20_000))
    counts = np.bincount([below(k, 3, 10) for k in keys], minlength=10)
    assert abs(counts - 2000).max() < 6 * np.sqrt(2000 * 0.9)
    assert abs(np.mean([uniform(k, 4) for k in keys]) - 0.5) < 6 / np.sqrt(12 * len(keys))


def test_keys_differ_by_each_thing_they_name() -> None:
    samples = np.arange(1000)
    streams = [
        key(seed, purpose, epoch, samples)
        for seed in (0, 1)
        for purpose in ("a", "b")
        for epoch in (-1, 0, 1)
    ]
    assert len(np.unique(np.concatenate(streams))) == 12_000


def test_keys_take_an_epoch_for_each_sample() -> None:
    together = key(0, "a", np.array([0, 0, 1]), np.array([4, 5, 4]))
    assert together.tolist() == [int(key(0, "a", e, s)) for e, s in ((0, 4), (0, 5), (1, 4))]


def test_torch_seeds_are_63_bits_and_differ() -> None:
    seeds = {torch_seed(0, "dropout", step, part) for step in range(50) for part in range(50)}
    assert len(seeds) == 2500
    assert max(seeds) < 2**63


@given(st.integers(1, 3000), st.integers(0, 5), st.integers(0, 5))
def test_a_permutation_meets_every_sample_once(n: int, seed: int, epoch: int) -> None:
    assert sorted(permutation(n, seed, epoch, np.arange(n)).tolist()) == list(range(n))


def test_a_permutation_can_be_entered_anywhere() -> None:
    n = 2**40
    positions = np.array([0, 1, n // 2, n - 1])
    one_by_one = [int(permutation(n, 0, 0, positions[i : i + 1])[0]) for i in range(4)]
    assert permutation(n, 0, 0, positions).tolist() == one_by_one
    assert len(set(one_by_one)) == 4


@pytest.mark.parametrize("n", [3, 4])
def test_all_orders_are_equally_likely(n: int) -> None:
    epochs, orders = 6000, {3: 6, 4: 24}[n]
    seen = [tuple(permutation(n, 0, epoch, np.arange(n)).tolist()) for epoch in range(epochs)]
    counts = np.unique(np.array(seen), axis=0, return_counts=True)[1]
    assert len(counts) == orders
    assert abs(counts - epochs / orders).max() < 6 * np.sqrt(epochs / orders)


def test_neighbours_are_scattered() -> None:
    order = permutation(10**5, 0, 0, np.arange(10**5))
    assert abs(np.corrcoef(np.arange(10**5), order)[0, 1]) < 6 / np.sqrt(10**5)
    assert (np.diff(order) == 1).sum() < 10
