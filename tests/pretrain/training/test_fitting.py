"""Micro-batches that fit: found by a straight line, halved where memory runs out, said where nothing fits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from corpora.artefact import Artefact
from corpora.errors import Interrupted, UsageError
from pretrain.batch import Batch
from pretrain.networks.network import Network
from pretrain.training.fitting import even, largest
from pretrain.training.settings import CPU_TOKENS
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_train
from tests.pretrain.training.test_stage import StopAfter


def short_of_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Let training fail with more than `most` rows at once; the sizes seen."""
    forward, seen = Network.forward, list[int]()

    def limited(self: Network, batch: Batch) -> Any:  # noqa: ANN401
        if self.training:
            seen.append(len(batch.samples))
            if len(batch.samples) > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, batch)

    monkeypatch.setattr(Network, "forward", limited)
    return seen


def test_a_step_for_which_memory_ran_out_is_taken_again_in_halves(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auto = toy_train(model=NETWORK | NO_DROPOUT, speed={"micro_batch": "auto"}, batch=8)
    two = toy_train(model=NETWORK | NO_DROPOUT, speed={"micro_batch": 2}, batch=8)
    wanted = run(two, data, tmp_path / "two")
    seen = short_of_memory(monkeypatch, 2)
    made = run(auto, data, tmp_path / "auto")
    assert seen == [8, 4] + [2] * 4 * 12
    assert made.facts["speed"] == {"processes": 1, "micro_batch": 2, "precision": "fp32"}
    assert made.files == {**wanted.files, "deepspeed.json": made.files["deepspeed.json"]}


def test_the_size_that_was_found_is_kept_over_a_resume(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        short_of_memory(patch, 3)
        with pytest.raises(Interrupted):
            run(toy_train(speed={}), data, tmp_path / "made", StopAfter(2))
    seen = short_of_memory(monkeypatch, 99)
    run(toy_train(speed={}), data, tmp_path / "made")
    assert set(seen) == {2}


@pytest.mark.parametrize(
    ("speed", "message"),
    [
        ({"micro_batch": 4}, r"rank 0 .*with 4 rows of up to 48 tokens at once: set speed.micro_batch to 2"),
        ({}, r"with 1 rows .*: set speed.checkpoint_activations to true, or speed.precision to bf16"),
        ({"zero": 2}, r"with 8 rows .*: set speed.micro_batch to 4 or less, or "),
    ],
)
def test_what_cannot_be_taken_again_is_one_message(
    data: Artefact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    speed: dict[str, object],
    message: str,
) -> None:
    short_of_memory(monkeypatch, 0)
    with pytest.raises(UsageError, match=message):
        run(toy_train(speed=speed), data, tmp_path / "made")


@given(
    most=st.integers(1, 400),
    a_row=st.floats(1, 50),
    fixed=st.floats(0, 100),
    budget=st.floats(101, 3000),
)
def test_the_largest_size_that_fits_is_found_without_trying_one_that_does_not(
    most: int, a_row: float, fixed: float, budget: float
) -> None:
    tried = list[int]()

    def excess(rows: int) -> float:
        tried.append(rows)
        return fixed + a_row * rows - budget

    found = largest(most, excess)
    fits = int((budget - fixed) / a_row - 1e-9)
    assert max(1, min(most, fits) - 1) <= found <= max(1, min(most, fits) + 1)
    assert len(tried) <= most.bit_length() + 1
    assert sum(excess(rows) > 1e-6 for rows in set(tried)) <= 1  # the second, before there is a line


def test_micro_batches_of_a_share_are_even() -> None:
    assert [even(100, rows) for rows in (1, 30, 33, 50, 99, 100, 1000)] == [1, 25, 25, 50, 50, 100, 100]


def test_a_cpu_works_on_some_thousand_tokens_at_once() -> None:
    config = toy_train(speed={}, batch=1000)
    assert config.rows_at_once(world=1, length=512) == CPU_TOKENS // 512 == 16
    assert config.rows_at_once(world=100, length=512) == 10
    assert config.rows_at_once(world=1, length=CPU_TOKENS * 2) == 1
    assert toy_train(speed={"micro_batch": 7}).rows_at_once(world=1, length=512) == 7
