import numpy as np
import pytest

from pretrain.evaluation import evaluate
from pretrain.objectives import Objectives
from tests.pretrain.toys import toy_batch, toy_engine, toy_network
from tests.tokenization.making import SIZE

OBJECTIVES = Objectives.model_validate({"mlm": 1.0}).active()


def test_baselines_by_hand() -> None:
    batches = [toy_batch(4, 0, masked=9), toy_batch(3, 1, masked=4)]
    counts = np.arange(SIZE, dtype=np.int64)
    row = evaluate(toy_engine(toy_network()), batches, OBJECTIVES, counts)
    targets = np.concatenate([batch.masked_targets.numpy() for batch in batches])
    shown = np.concatenate([batch.input_ids.flatten()[batch.masked_positions].numpy() for batch in batches])
    shares = (counts + 1) / (counts + 1).sum()
    assert row["unigram"] == pytest.approx(-np.log(shares[targets]).mean())
    assert row["unigram_accuracy"] == pytest.approx((targets == SIZE - 1).mean())
    assert row["copy_accuracy"] == pytest.approx((targets == shown).mean())
    assert "copy" not in row


def test_measuring_is_free_of_dropout_and_leaves_the_network_training() -> None:
    engine, batches = toy_engine(toy_network(dropout=0.5)), [toy_batch(4, 0)]
    rows = [evaluate(engine, batches, OBJECTIVES, np.ones(SIZE, np.int64)) for _ in range(2)]
    assert rows[0] == rows[1]
    assert engine.network.training
    assert all(parameter.grad is None for parameter in engine.network.parameters())


def test_the_loss_is_over_all_batches_not_a_mean_of_means() -> None:
    engine, counts = toy_engine(toy_network()), np.ones(SIZE, np.int64)
    one, other = toy_batch(4, 0, masked=9), toy_batch(3, 1, masked=2)
    alone = [evaluate(engine, [batch], OBJECTIVES, counts)["mlm"] for batch in (one, other)]
    together = evaluate(engine, [one, other], OBJECTIVES, counts)["mlm"]
    assert together == pytest.approx((9 * alone[0] + 2 * alone[1]) / 11, rel=1e-6)
