"""Adversaries in fine-tuning: none is plain PyTorch bit for bit; micro-batches add up, for every task."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor

from corpora.errors import UsageError
from corpora.labelled import Row, Span
from corpora.reporter import Quiet
from pretrain.adversarial import Adversary, Alum, FreeAt, FreeLb, R3f, Smart, TextAt
from pretrain.adversarial_training import AdversarialTraining
from pretrain.finetuning.examples import Examples, epoch_order
from pretrain.finetuning.learning import learn
from pretrain.finetuning.loop import Fitted, fit
from pretrain.finetuning.settings import Finetune
from pretrain.finetuning.tasks import Classification, Regression, Tagging, Task
from pretrain.optimizers import AdamW
from pretrain.randomness import torch_seed
from pretrain.schedules import Linear
from tests.pretrain.adversarial.by_hand import Deltas
from tests.pretrain.adversarial.making import Watched, apart, assert_near, by_hand, take_gradient
from tests.pretrain.finetuning.making import make_config, make_examples, make_folder, make_network, make_rows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG = make_config(Path("rows.jsonl"), batch=6, epochs=2)
LABELS = {"spans": ("LOC", "PER"), "classes": ("bad", "good"), "values": ()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("bert") / "folder")


def examples_of(folder: Path, task: Task) -> Examples[Any]:
    rows = []
    for number, (text, label) in enumerate(make_rows(15)):
        value = float(number) if task.learns_from == "values" else int(label == "good")
        rows.append(Row(text, label=value, spans=(Span(0, min(2, len(text)), "PER"),)))
    return make_examples(rows, folder, task=task)


def network_of(folder: Path, task: Task, dropout: float = 0.0) -> "PreTrainedModel":
    torch.manual_seed(0)
    network = make_network(folder, task, LABELS[task.learns_from])
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    network.train()
    return network


def weights(network: "PreTrainedModel") -> Tensor:
    return torch.nn.utils.parameters_to_vector(network.parameters()).detach().clone()


def fitted(folder: Path, adversary: Adversary | None, **changes: object) -> tuple[Fitted, Tensor]:
    config = Finetune.model_validate(CONFIG.model_dump() | {"adversarial": adversary} | changes)
    examples, network = examples_of(folder, config.task), network_of(folder, config.task, dropout=0.1)
    none = replace(examples, rows=(), windows=(), labels=())
    result = fit(network, examples, none, config, 3, Quiet(), "test", special_ids=(2, 3))
    return result, weights(network)


def test_without_an_adversary_it_is_plain_pytorch_bit_for_bit(folder: Path) -> None:
    result, found = fitted(folder, None)
    task = Classification()
    examples, network = examples_of(folder, task), network_of(folder, task, dropout=0.1)
    optimizer = AdamW(lr=CONFIG.lr, weight_decay=CONFIG.weight_decay).build(network)
    schedule, losses, step = Linear(warmup_steps=math.ceil(6 * CONFIG.warmup)), list[float](), 0
    for epoch in range(2):
        for rows in epoch_order(examples.lengths(), 6, 3, epoch):
            torch.manual_seed(torch_seed(3, "dropout", step))
            batch = examples.batch(rows)
            said = network(**batch.inputs(torch.device("cpu"))).logits
            loss = torch.nn.functional.cross_entropy(said.float(), batch.labels)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            for group in optimizer.param_groups:
                group["lr"] = CONFIG.lr * schedule.factor(step, 6)
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            step += 1
    assert torch.equal(found, weights(network))
    assert list(result.losses) == pytest.approx([sum(losses[:3]) / 3, sum(losses[3:]) / 3])
    assert result.passes == 1.0


@pytest.mark.parametrize("task", [Classification(), Regression(), Tagging()], ids=lambda one: one.task)
@pytest.mark.parametrize("adversary", [None, FreeLb(), Smart(), TextAt()], ids=lambda one: type(one).__name__)
def test_micro_batches_add_up_to_the_step(folder: Path, task: Task, adversary: Adversary | None) -> None:
    examples = examples_of(folder, task)

    def gradient(*sizes: int) -> tuple[float, Tensor]:
        network = network_of(folder, task)
        torch.manual_seed(1)  # of TextAT's table
        training = AdversarialTraining(network, adversary, (2, 3))
        ends = torch.tensor(sizes).cumsum(0).tolist()
        rows = epoch_order(examples.lengths(), 8, 0, 0)[0]
        batches = [examples.batch(rows[end - size : end]) for size, end in zip(sizes, ends, strict=True)]
        (loss,) = learn(training, task, batches, step=0, seed=0)
        found = [w.grad.flatten() for w in network.parameters() if w.grad is not None]
        return loss, torch.cat(found)

    whole, parts = gradient(8), gradient(1, 4, 3)
    assert whole[0] == pytest.approx(parts[0], rel=1e-4)
    torch.testing.assert_close(whole[1], parts[1], rtol=1e-3, atol=1e-4 * float(whole[1].abs().max()))


@pytest.mark.parametrize("kind", [Smart, Alum])
def test_numbers_are_kept_apart_by_their_squared_difference(folder: Path, kind: type[Adversary]) -> None:
    """SMART, arXiv:1911.03437, section 3.1: one ascent and what is learnt, row by row in float64."""
    task, settings = Regression(), {"level": "words", "unit": "absolute", "constant": "none", "weight": 2.0}
    sizes = {"steps": 1, "step_size": 0.3, "epsilon": 0.4, "noise_scale": 0.1, "embeddings_learn": True}
    network, batch = network_of(folder, task), examples_of(folder, task).batch(np.arange(3))
    watched = Watched(network, kind.model_validate(settings | sizes))
    (loss,) = learn(watched.training, task, [batch], step=0, seed=0)
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "labels": batch.labels}
    rows, (first, last) = by_hand(network, inputs), (apart(delta, inputs) for delta in watched.seen)
    clean = torch.stack([rows.said(row)[0] for row in range(3)])

    def squared(deltas: Deltas, target: Tensor) -> Tensor:
        moved = torch.stack([rows.said(row, delta)[0] for row, delta in enumerate(deltas)])
        return ((moved - target) ** 2).sum() / 3

    slopes = rows.ascents(lambda deltas: squared(deltas, clean.detach()), first)
    for delta, slope, found in zip(first, slopes, last, strict=True):
        moved = delta + 0.3 * slope / slope.norm(dim=1, keepdim=True)  # each token by itself
        assert_near(found, moved * (0.4 / moved.norm(dim=1, keepdim=True)).clamp(max=1.0), 1e-4)
    apart_ = squared(last, clean)
    wanted = ((clean - batch.labels) ** 2).sum() / 3 + 2.0 * apart_
    assert apart_.item() > 1e-4 * wanted.item()  # or a lost term would pass
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    assert_near(take_gradient(network), rows.gradient(wanted), 1e-4)


@pytest.mark.parametrize(
    ("adversary", "passes"), [(FreeLb(steps=2), 3.0), (R3f(), 2.0), (FreeAt(steps=3), 3.0)]
)
def test_a_fit_is_a_function_of_the_seed_and_tells_its_cost(
    folder: Path, adversary: Adversary, passes: float
) -> None:
    (one, found), (again, same), (_, plain) = (fitted(folder, each) for each in (adversary, adversary, None))
    assert one == again
    assert torch.equal(found, same)
    assert not torch.equal(found, plain)
    assert one.passes == pytest.approx(passes)


def test_free_at_updates_after_every_pass_of_all_micro_batches(folder: Path) -> None:
    task, adversary = Classification(), FreeAt(steps=3)
    examples, network = examples_of(folder, task), network_of(folder, task)
    batches = [examples.batch(rows) for rows in epoch_order(examples.lengths(), 4, 0, 0)[:2]]
    training, seen = AdversarialTraining(network, adversary), []
    for loss in learn(training, task, batches, step=0, seed=0):
        assert all(w.grad is not None for name, w in network.named_parameters() if "classifier" in name)
        seen.append((loss, weights(network)))
        torch.optim.SGD(network.parameters(), lr=1.0).step()
        network.zero_grad()
    assert len(seen) == 3
    assert training.cost == pytest.approx(6)
    assert not torch.equal(seen[0][1], seen[1][1])


def test_bf16_learns_what_fp32_learns_nearly(folder: Path) -> None:
    start = weights(network_of(folder, Classification()))
    (_, exact), (_, halves) = (
        fitted(folder, FreeLb(), speed={"precision": precision}, clip=0.0) for precision in ("fp32", "bf16")
    )
    assert not torch.equal(exact, halves)
    assert torch.nn.functional.cosine_similarity(exact - start, halves - start, dim=0) > 0.8


def test_what_is_for_pre_training_alone_is_refused(folder: Path) -> None:
    adversary = Alum(rows=0.5)
    with pytest.raises(ValueError, match="rows and scope are for pre-training"):
        Finetune.model_validate(CONFIG.model_dump() | {"adversarial": adversary.model_dump()})
    with pytest.raises(UsageError, match="Alum: rows and scope are for pre-training"):
        AdversarialTraining(network_of(folder, Classification()), adversary)
