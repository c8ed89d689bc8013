"""The loop: no pad changes an answer, the best epoch is kept, only what is finite is applied."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pytest
import torch

from corpora.errors import Diverged
from corpora.labelled import Row
from corpora.reporter import Quiet
from corpora.stage import JSON
from pretrain.adversarial_training import AdversarialTraining
from pretrain.finetuning.examples import Examples, LabelledBatch
from pretrain.finetuning.learning import learn
from pretrain.finetuning.loop import best_of, fit, measured, predict, update
from pretrain.finetuning.metrics import Measures
from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Classification
from tests.pretrain.finetuning.making import make_config, make_examples, make_folder, make_network, make_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

TASK = Classification()
Encoded: TypeAlias = Examples[Any]
CONFIG = make_config(Path("rows.jsonl"))


class Contrary(Classification):
    """Likes an epoch the better, the worse its accuracy: so the last epoch is not the best."""

    def measures(self, rows: Sequence[Row], answers: Sequence[JSON], labels: tuple[str, ...]) -> Measures:
        return {"accuracy": 1 - super().measures(rows, answers, labels)["accuracy"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


@pytest.fixture
def network(folder: Path) -> "PreTrainedModel":
    torch.manual_seed(0)
    return make_network(folder)


@pytest.fixture(scope="module")
def rows(folder: Path) -> Encoded:
    labelled = [Row(text, label=int(label == "good")) for text, label in make_rows(160)]
    return make_examples(labelled, folder)


def backward(network: "PreTrainedModel", batch: LabelledBatch) -> float:
    """Add the gradient of a batch's mean loss, and return that loss."""
    return next(learn(AdversarialTraining(network, None), TASK, [batch], 0, 0))


def gradients(network: "PreTrainedModel") -> torch.Tensor:
    return torch.cat([weight.grad.flatten() for weight in network.parameters() if weight.grad is not None])


def run(network: "PreTrainedModel", rows: Encoded, config: Finetune, seed: int = 0) -> list[float]:
    return list(fit(network, rows, rows, config, seed, Quiet(), "test").losses)


def test_answers_stand_in_the_order_of_the_rows_and_no_pad_changes_them(
    network: "PreTrainedModel", rows: Encoded
) -> None:
    together = predict(network, rows, TASK)
    network.train(False)
    for row in (0, 7, 150, 159):
        alone = network(input_ids=torch.from_numpy(rows.windows[row].ids)[None]).logits[0]
        assert together[row] == pytest.approx(alone.tolist(), abs=1e-5)


def test_the_gradient_is_that_of_the_mean_over_rows(network: "PreTrainedModel", rows: Encoded) -> None:
    network.train(False)  # no dropout
    chosen = np.array([3, 50, 120])
    loss = backward(network, rows.batch(chosen))
    found = gradients(network)
    network.zero_grad()
    losses = [backward(network, rows.batch(chosen[[place]])) for place in range(3)]  # gradients add up
    assert loss == pytest.approx(np.mean(losses), abs=1e-6)
    torch.testing.assert_close(found, gradients(network) / 3, atol=1e-6, rtol=1e-4)


@pytest.mark.slow
def test_training_learns_and_is_a_function_of_the_seed(network: "PreTrainedModel", rows: Encoded) -> None:
    start = {name: weight.clone() for name, weight in network.state_dict().items()}
    runs = []
    for seed in (1, 1, 2):
        network.load_state_dict(start)
        runs.append(run(network, rows, CONFIG.model_copy(update={"epochs": 6, "lr": 1e-2}), seed))
    losses, again, other = runs
    assert losses == again != other
    assert losses[-1] < losses[0] - 0.1


def test_the_network_is_left_at_the_epoch_that_did_best(network: "PreTrainedModel", rows: Encoded) -> None:
    config = CONFIG.model_copy(update={"epochs": 6, "task": Contrary()})
    fitted = fit(network, rows, rows, config, 0, Quiet(), "test")
    assert fitted.chosen == best_of(fitted.dev, config.task) < 5
    left = measured(network, rows, config.task)
    assert left == fitted.dev[fitted.chosen] != fitted.dev[-1]


def test_patience_ends_a_run_that_gets_no_better(network: "PreTrainedModel", rows: Encoded) -> None:
    config = CONFIG.model_copy(update={"epochs": 9, "task": Contrary()})
    start = {name: weight.clone() for name, weight in network.state_dict().items()}
    whole = fit(network, rows, rows, config, 0, Quiet(), "test")
    network.load_state_dict(start)
    told = fit(network, rows, rows, config.model_copy(update={"patience": 2}), 0, Quiet(), "test")
    assert told.losses == whole.losses[: told.chosen + 3]  # the rate falls as if all epochs were run
    assert told.dev == whole.dev[: told.chosen + 3]
    assert len(told.losses) < 9
    assert measured(network, rows, config.task) == told.dev[told.chosen]


def test_layers_learn_at_rates_of_their_own(network: "PreTrainedModel") -> None:
    optimizer = CONFIG.model_copy(update={"layer_decay": 0.5, "optimizer": "bert_adam"}).adam().build(network)
    shares = {id(weight): group["share"] for group in optimizer.param_groups for weight in group["params"]}
    found = {name: shares[id(weight)] for name, weight in network.named_parameters()}
    assert {found[name] for name in found if name.startswith(("classifier", "bert.pooler"))} == {1.0}
    assert {found[name] for name in found if ".layer.0." in name} == {0.5}  # not 0.25: one below the head
    assert {found[name] for name in found if ".embeddings." in name} == {0.25}
    assert type(optimizer).__name__ == "Uncorrected"


def test_without_dev_rows_the_last_epoch_counts(network: "PreTrainedModel", rows: Encoded) -> None:
    none = replace(rows, rows=(), windows=(), labels=())
    fitted = fit(network, rows, none, CONFIG, 0, Quiet(), "test")
    assert (fitted.dev, fitted.chosen) == ((), CONFIG.epochs - 1)


def test_of_equal_epochs_the_first_is_best() -> None:
    assert best_of([{"accuracy": 0.5}, {"accuracy": 0.7}, {"accuracy": 0.7}], TASK) == 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_applied(network: "PreTrainedModel", rows: Encoded, bad: float) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    loss = backward(network, rows.batch(np.arange(4)))
    before = [weight.clone() for weight in network.parameters()]
    first = next(network.parameters())
    assert first.grad is not None
    first.grad[0, 0] = bad
    assert not update(network, optimizer, lr=1.0, clip=1.0, loss=loss)
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    assert all(weight.grad is None for weight in network.parameters())


def test_an_update_moves_by_rate_times_clipped_gradient(network: "PreTrainedModel", rows: Encoded) -> None:
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    loss = backward(network, rows.batch(np.arange(4)))
    before = [weight.detach().clone() for weight in network.parameters()]
    assert update(network, optimizer, lr=0.5, clip=1e-3, loss=loss)
    moved = [(new - old).flatten() for old, new in zip(before, network.parameters(), strict=True)]
    assert torch.cat(moved).norm().item() == pytest.approx(0.5e-3, rel=1e-3)


def test_a_run_without_a_finite_loss_is_given_up(network: "PreTrainedModel", rows: Encoded) -> None:
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="test: the last 5 steps up to step 5 had no finite loss"):
        run(network, rows, CONFIG)
