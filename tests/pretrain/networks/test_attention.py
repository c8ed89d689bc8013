"""Attention within documents against its definition, in float64, and against that of each document alone."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from pretrain.networks.attention import Rectangles, attend

HEADS, SIZE = 2, 3
some_lengths = st.lists(st.integers(1, 40), min_size=1, max_size=8)


def rectangles(lengths: list[int]) -> Rectangles:
    starts = torch.tensor([sum(lengths[:number]) for number in range(len(lengths))])
    return Rectangles.of(starts, sum(lengths))


def some(lengths: list[int], seed: int = 0) -> list[Tensor]:
    """Query, key and value, (1, heads, tokens, size)."""
    dice = torch.Generator().manual_seed(seed)
    shape = 1, sum(lengths), HEADS, SIZE
    return [torch.randn(shape, generator=dice, dtype=torch.float64).transpose(1, 2) for _ in range(3)]


def attended(lengths: list[int], given: list[Tensor], **how: Any) -> Tensor:  # noqa: ANN401
    module: Any = SimpleNamespace(training=False)
    query, key, value = given
    return attend(module, query, key, value, None, rectangles(lengths), **how)[0]


def by_definition(lengths: list[int], given: list[Tensor], window: int) -> Tensor:
    """softmax(q k / sqrt(size)) v over the tokens of each document that are nearer than `window`."""
    outputs, begin = list[Tensor](), 0
    for length in lengths:
        query, key, value = (each[0, :, begin : begin + length] for each in given)
        scores = query @ key.transpose(1, 2) / SIZE**0.5
        place = torch.arange(length)
        scores = scores.masked_fill((place[:, None] - place).abs() >= window, float("-inf"))
        outputs.append((scores.softmax(-1) @ value).transpose(0, 1))
        begin += length
    return torch.cat(outputs)[None]


@given(some_lengths, st.sampled_from([None, 2, 7, 33]))
@settings(max_examples=30, deadline=None)
def test_it_is_attention_over_each_document_by_itself(lengths: list[int], window: int | None) -> None:
    given = some(lengths)
    said = attended(lengths, given, sliding_window=window)
    torch.testing.assert_close(said, by_definition(lengths, given, window or 99))


@given(some_lengths)
@settings(max_examples=30, deadline=None)
def test_tokens_go_to_slots_of_their_own_and_come_back(lengths: list[int]) -> None:
    laid, tokens = rectangles(lengths), torch.arange(sum(lengths))
    values = tokens[:, None, None].double() + 1
    parts = laid.spread(values)
    torch.testing.assert_close(laid.collect(parts), values)
    assert (
        sorted(torch.cat([part.flatten() for part in parts]).tolist())[-len(tokens) :]
        == (tokens + 1).tolist()
    )  # the rest are zeros
    assert sum(float(part.sum()) for part in parts) == float(values.sum())
    slots = sum(number * width for number, width in laid.shapes)
    assert slots <= 16 * len(lengths) + 1.5 * sum(lengths)  # few are empty


def test_gradients_of_first_and_second_order_are_right() -> None:
    lengths = [3, 1, 18, 20]
    given = [each.contiguous().requires_grad_() for each in some(lengths)]
    assert gradcheck(lambda *each: attended(lengths, list(each)), given, fast_mode=True)
    laid = rectangles(lengths)
    values = torch.randn(sum(lengths), 1, 1, dtype=torch.float64, requires_grad=True)
    assert gradgradcheck(lambda v: laid.collect([part**2 for part in laid.spread(v)]), values)


def test_dropout_leaves_documents_apart() -> None:
    lengths, given = [5, 17, 6], some([5, 17, 6])
    torch.manual_seed(0)
    said = attended(lengths, given, dropout=0.5)
    given[2][:, :, :5] += 1.0  # the values of the first document
    torch.manual_seed(0)
    again = attended(lengths, given, dropout=0.5)
    assert not torch.equal(said[:, :5], again[:, :5])
    assert torch.equal(said[:, 5:], again[:, 5:])


@pytest.mark.parametrize("lengths", [[1], [16], [17, 16], [512, 1, 1]])
def test_documents_of_like_length_share_a_rectangle(lengths: list[int]) -> None:
    shapes = rectangles(lengths).shapes
    assert sum(number for number, _ in shapes) == len(lengths)
    assert {width for _, width in shapes} <= set(lengths)
