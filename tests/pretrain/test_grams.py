"""The draw of runs, against a reference and against what it promises."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pretrain.masking import NgramMasking, SpanMasking, WholeWordMasking
from pretrain.masking.grams import Amount, choose_grams
from pretrain.randomness import below, key, uniform
from pretrain.words import Scarce
from tests.pretrain.layouts import Layout, chinese_like, layouts, text_of, words_of

Words = NDArray[np.int32]
budgets = st.floats(0.05, 1.0)


def keys_of(rows: int, epoch: int = 0) -> NDArray[np.uint64]:
    return key(0, "masking", epoch, np.arange(rows))


def reference(
    row: Words, key: np.uint64, amount: Amount, weights: tuple[float, ...], rare: set[int], share: float
) -> list[int]:
    """The draw as `pretrain.masking.grams` describes it, over lists and sets. `rare` holds word numbers."""
    stretches: list[list[int]] = []
    for position, word in enumerate(row.tolist()):
        if word >= 0 and (position == 0 or row[position - 1] != word):
            stretches.append([])
        if word >= 0:
            stretches[-1].append(position)
    cost = [1 if amount.per == "word" else len(places) for places in stretches]
    scarce = [row[places[0]] in rare for places in stretches]
    free, marks = set(range(len(stretches))), [0] * len(row)
    if not stretches:
        return marks
    fraction = {"chance": uniform(key, 0), "nearest": 0.5, "down": 0.0}[amount.rounding]
    room = min(max(1, int(amount.rate * sum(cost) + fraction)), sum(cost))
    spare = int(share * room + uniform(key, 1)) if rare else room
    counter, run, careful = 2, 0, bool(rare)

    def together(first: int, n: int, allowed: set[int]) -> bool:
        joined = all(
            first + k < len(stretches) and stretches[first + k][0] == stretches[first + k - 1][-1] + 1
            for k in range(1, n)
        )
        return joined and all(first + k in allowed for k in range(n))

    def fit(first: int, n: int) -> int:
        while n and sum(cost[first : first + n]) > room:
            n -= 1
        return n

    def rarity(first: int, n: int) -> int:
        return sum(cost[word] for word in range(first, first + n) if scarce[word])

    while room > 0:
        n, kept = 1, 0
        if len(weights) > 1:
            shares = np.cumsum(weights) / sum(weights)
            n, counter = 1 + int((uniform(key, counter) >= shares).sum()), counter + 1
        for _ in range(24):
            first, counter = int(below(key, counter, len(stretches))), counter + 1
            kept = fit(first, n) if together(first, n, free) else 0
            if kept and rarity(first, kept) <= spare:
                break
            kept = 0
        allowed = free - {word for word in free if careful and scarce[word]}
        while not kept and n:
            places = [w for w in range(len(stretches)) if together(w, n, allowed) and cost[w] <= room]
            if places:
                first, counter = places[below(key, counter, len(places))], counter + 1
                kept = fit(first, n)
            n -= 1
        if not kept and careful and spare < room:
            spare, careful = room, False
            continue
        if not kept and run:
            break
        if not kept:
            sizes = [len(places) for places in stretches]
            first, kept = sizes.index(min(sizes)), 1
        run += 1
        for word in range(first, first + kept):
            free.discard(word)
            for position in stretches[word]:
                marks[position] = run
        room -= sum(cost[first : first + kept])
        spare -= rarity(first, kept)
    return marks


@given(
    rows=layouts,
    amount=st.builds(
        Amount, budgets, st.sampled_from(("chance", "nearest", "down")), st.sampled_from(("token", "word"))
    ),
    weights=st.sampled_from(((1.0,), (0.4, 0.3, 0.2, 0.1), SpanMasking().weights)),
    rare=st.sampled_from((0, 2, 3)),
    epoch=st.integers(0, 10**6),
)
def test_the_compiled_draw_is_the_described_one(
    rows: list[Layout], amount: Amount, weights: tuple[float, ...], rare: int, epoch: int
) -> None:
    words, keys = words_of(rows), keys_of(len(rows), epoch)
    numbers = {word for word in range(41) if rare and word % rare == 0}
    scarce = Scarce(np.isin(words, list(numbers)), 0.1, False) if rare else None
    runs = choose_grams(words, keys, amount, weights, scarce)
    for row, number, made in zip(words, keys, runs, strict=True):
        assert made.tolist() == reference(row, number, amount, weights, numbers, 0.1)


def test_without_other_words_scarce_ones_are_chosen_or_fewer_are() -> None:
    words = chinese_like(200, 128)
    everything = np.where(words >= 0, 1, 0)
    for strict, share in ((False, 0.15), (True, 0.015)):
        scarce = Scarce(words >= 0, 0.1, strict)
        chosen = WholeWordMasking().choose(text_of(words), keys_of(200), 0.15, scarce) > 0
        assert abs(chosen.sum() / everything.sum() - share) < 0.004
        assert chosen.any(axis=1).all()


def test_scarcity_leaves_long_runs_where_there_are_any() -> None:
    words = words_of([[0, *[1] * 60, 0]] * 2000)
    scarce = Scarce((words >= 0) & (words % 6 == 0), 0.0, False)  # five words at most stand together
    runs = NgramMasking(lengths=(0, 0, 0, 0, 1)).choose(text_of(words), keys_of(2000), 0.25, scarce)
    first = np.array([(row == 1).sum() for row in runs])
    assert (first == 5).all()
    assert not (runs[scarce.tokens] > 0).any()


def test_of_a_phrase_the_scarce_tokens_count() -> None:
    words = words_of([[2, 2, 2, 2, 2]] * 500)
    scarce = Scarce(np.tile([True, False] * 5, (500, 1)), 0.5, False)  # half of each unit
    runs = choose_grams(words, keys_of(500), Amount(0.8), (1.0,), scarce)
    assert ((runs > 0).sum(axis=1) == 8).all()  # 4 of 8 are scarce: as many as may be
    by_word = choose_grams(words, keys_of(500), Amount(0.8, per="word"), (1.0,), replace(scarce, strict=True))
    assert ((by_word > 0).sum(axis=1) == 4).all()  # 2 of 4 units, each of them scarce
