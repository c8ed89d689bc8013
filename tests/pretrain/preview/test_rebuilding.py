from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.batch import Batch, Window
from pretrain.engine.deepspeed import Engine
from pretrain.objectives import Objective
from pretrain.preview.opening import Opened
from pretrain.preview.rebuilding import digest, rebuild
from pretrain.step import Step, train_step
from pretrain.training import session
from pretrain.training.material import open_loader
from pretrain.training.settings import Train
from tests.pretrain.toys import run, toy_train


def opened(config: Train, data: Artefact) -> Opened:
    return Opened("train", config, open_loader(config, {"data": data}, "train"), data, None)


@pytest.mark.slow
def test_a_batch_is_the_one_that_training_consumed(
    data: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, digests = list[list[torch.Tensor]](), list[str]()

    def watched(
        engine: Engine, window: Window, objectives: Mapping[str, Objective], rate: float, seed: int
    ) -> Step:
        digests.append(digest(window))
        shown.append([batch.input_ids.clone() for batch in window.batches])
        return train_step(engine, window, objectives, rate, seed)

    monkeypatch.setattr(session, "train_step", watched)
    config = toy_train()
    run(config, data, tmp_path / "checkpoint")
    assert len(digests) == len(set(digests)) == config.steps
    here = opened(config, data)
    for step in (12, 1, 7):
        built = rebuild(here, step, 0, 1)
        assert digest(built.window) == digests[step - 1]
        assert all(map(torch.equal, (one.input_ids for one in built.window.batches), shown[step - 1]))


def test_ranks_share_the_rows_of_a_step(data: Artefact) -> None:
    here = opened(toy_train(batch=7, steps=40), data)
    whole = rebuild(here, 20, 0, 1)
    shares = [rebuild(here, 20, rank, 3) for rank in range(3)]
    assert [place for share in shares for place in share.places] == list(whole.places) == list(range(7))
    for share in shares:
        samples = torch.cat([batch.samples for batch in share.window.batches])
        assert samples.tolist() == share.rows.samples.tolist()
        kept = torch.cat([batch.attention_mask.sum(dim=1) for batch in share.window.batches])
        assert kept.tolist() == share.rows.lengths.tolist()
    assert whole.epochs.tolist() == [(19 * 7 + i) // 60 for i in range(7)] == [2] * 7
    assert rebuild(here, 9, 0, 1).epochs.tolist() == [0] * 4 + [1] * 3


def test_a_digest_is_of_rows_not_of_shapes(data: Artefact) -> None:
    config = toy_train()
    loader = opened(config, data).loader
    one, other = loader.window(0), loader.window(0, micro_batch=2)
    assert len(one.batches) != len(other.batches)
    assert digest(one) == digest(other) != digest(loader.window(1))
    (batch,) = one.batches
    changed: Batch = replace(batch, masked_targets=batch.masked_targets.roll(1))
    assert digest(replace(one, batches=(changed,))) != digest(one)


@pytest.mark.parametrize(
    ("step", "rank", "world", "said"),
    [
        (0, 0, 1, "no step 0: train takes steps 1 to 12"),
        (13, 0, 1, "no step 13"),
        (1, 2, 2, "no rank 2 of 2"),
        (1, -1, 2, "no rank -1"),
        (1, 0, 9, "8 rows cannot be shared by 9"),
    ],
)
def test_what_there_is_not_is_said(data: Artefact, step: int, rank: int, world: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rebuild(opened(toy_train(), data), step, rank, world)


def test_swapped_rows_are_rebuilt_swapped(data: Artefact) -> None:
    built = rebuild(opened(toy_train(), data), 1, 0, 1)
    labels = torch.cat([one.pair_labels for one in built.window.batches])
    assert labels.tolist() == built.rows.pair_labels.tolist()
    assert 1 in built.rows.pair_labels
