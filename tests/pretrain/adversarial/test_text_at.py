"""TextAT: perturbations, gradient and table are those of the algorithm written out by hand."""

import pytest
import torch
from torch import Tensor

from pretrain.adversarial import TextAt
from tests.pretrain.adversarial import by_hand
from tests.pretrain.adversarial.making import (
    SPECIAL,
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

SETTINGS = {"unit": "absolute", "steps": 3, "step_size": 0.3, "epsilon": 0.9, "noise_scale": 0.3}


def table_of(watched: Watched, step: int = 1) -> Tensor:
    """The table as a step of this number finds it."""
    state = watched.state
    state.turn(step, watched.training.adversary.profile == "released")  # type: ignore[union-attr]
    values: Tensor = state.values.clone()
    return values


def test_both_parts_climb_and_the_table_keeps_the_mean_of_each_token() -> None:
    torch.manual_seed(1)
    model, batch = make_model(), make_batch()
    ids = [int(i) for i in batch["input_ids"].flatten() if i not in (0, *SPECIAL)]
    assert len(set(ids)) < len(ids)  # a token stands at several places
    watched = Watched(model, TextAt.model_validate(SETTINGS))
    before = watched.state.values.clone()
    gradient = watched.learn(batch)
    rows = written_out(model, batch)
    free = [[int(i) not in SPECIAL for i in row] for row in rows.ids]
    own = [before[row] * torch.tensor(may)[:, None] for row, may in zip(rows.ids, free, strict=True)]
    starts = [both - mine for both, mine in zip(apart(watched.seen[0], batch), own, strict=True)]
    walked, wanted, after = by_hand.text_at(rows, before.double(), starts, free, 3, step=0.3, radius=0.9)
    for found, deltas in zip(watched.seen, walked, strict=True):
        for one, other in zip(apart(found, batch), deltas, strict=True):
            assert_near(one, other)
    assert max(delta.norm() for delta in walked[-1]) == pytest.approx(0.9)  # the ball was felt
    assert_near(gradient, wanted)
    assert_near(table_of(watched), after)
    untouched = [token for token in range(20) if token not in ids]
    assert torch.equal(table_of(watched)[untouched], before[untouched])


def test_the_table_turns_once_a_step_and_micro_batches_make_one_update() -> None:
    batch = make_batch()

    def learn(parts: list[slice]) -> tuple[Tensor, Tensor, Tensor]:
        torch.manual_seed(1)
        watched = Watched(make_model(), TextAt.model_validate(SETTINGS))
        for part in parts:
            micro = {name: values[part] for name, values in batch.items()}
            for one in watched.passes(micro, first_row=part.start):
                backward(one.loss * len(micro["labels"]) / 3)
        still = watched.state.values.clone()
        return take_gradient(watched.model), still, table_of(watched)

    whole, parts = learn([slice(0, 3)]), learn([slice(0, 1), slice(1, 3)])
    for one, other in zip(whole, parts, strict=True):
        assert_near(one, other, 1e-5)
    assert not torch.equal(whole[1], whole[2])  # only the next step finds what this one has learnt


def test_the_released_code_is_followed_in_what_it_does_otherwise() -> None:
    torch.manual_seed(1)
    model, batch = make_model(), make_batch()
    watched = Watched(model, TextAt.model_validate(SETTINGS | {"profile": "released", "epsilon": 0.4}))
    before, ids = watched.state.values.clone().double(), batch["input_ids"]
    gradient = watched.learn(batch)
    own = before[ids] / before[ids].norm()
    start = watched.seen[0].double() - own  # rounding is left on pads
    assert start[batch["attention_mask"] == 0].abs().max() < 1e-8
    assert start.flatten(1).norm(dim=1).tolist() == pytest.approx([0.3 / 3**0.5] * 3, rel=0.2)
    walked, wanted, after = by_hand.text_at_released(
        written_out(model, batch), before, ids, start, 3, step=0.3, radius=0.4
    )
    assert walked[0].flatten(1).norm(dim=1).max() > 0.4  # the ball holds from the first ascent on
    for found, both in zip(watched.seen, walked, strict=True):
        assert_near(found, both)
    assert_near(gradient, wanted, 1e-4)  # summed over the passes
    assert_near(table_of(watched), after)
    assert not torch.equal(after[0], before[0])  # padding's own


def test_a_table_of_words_moves_words() -> None:
    with pytest.raises(ValueError, match="text_at keeps a table of words"):
        TextAt(level="embeddings")


def test_a_ball_of_no_size_is_plain_training() -> None:
    batch = make_batch()
    watched = Watched(make_model(), TextAt(epsilon=0.0))
    assert_near(watched.learn(batch), plain_gradient(make_model(), batch), 1e-6)
