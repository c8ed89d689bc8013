"""Usable alone: in a plain loop, in the Trainer; cost, noise and precision of the passes."""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest
import torch
from torch import Tensor, nn
from transformers import TrainingArguments

from corpora.errors import UsageError
from pretrain.adversarial import Adversary, Alum, Attack, FreeAt, FreeLb, Pass, Pgd, R3f, Smart, TextAt
from pretrain.adversarial.attack import Said
from pretrain.adversarial_trainer import AdversarialTrainer
from pretrain.adversarial_training import AdversarialTraining, ModelAttack
from pretrain.judge import ModelJudge
from tests.pretrain.adversarial.making import (
    LENGTHS,
    SPECIAL,
    Watched,
    assert_near,
    backward,
    make_batch,
    make_model,
    take_gradient,
)

Batch: TypeAlias = dict[str, Any]

EVERYONE: tuple[Adversary, ...] = (
    Alum(),
    FreeLb(),
    FreeAt(),
    Pgd(epsilon=0.05),
    R3f(noise_scale=0.1),
    Smart(),
    TextAt(),
)


@pytest.mark.parametrize("adversary", EVERYONE, ids=lambda one: type(one).__name__)
def test_a_loop_of_five_lines_learns(adversary: Adversary) -> None:
    torch.manual_seed(0)
    model, batch = make_model(dropout=0.1), make_batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    before = model.eval()(**batch).loss.item()
    model.train()
    training = AdversarialTraining(model, adversary, SPECIAL, steps=20)
    for step in range(20):
        for loss in training.losses(batch, step):
            backward(loss)
            if adversary.updates_each_pass:
                optimizer.step()
                optimizer.zero_grad()
        optimizer.step()
        optimizer.zero_grad()
    assert model.eval()(**batch).loss.item() < before - 0.1


@pytest.mark.parametrize(
    ("adversary", "passes"),
    [
        (None, 1.0),
        (FreeLb(steps=3), 4.0),
        (FreeLb(steps=3, counting="passes"), 3.0),
        (FreeAt(steps=3), 3.0),
        (TextAt(steps=3), 3.0),
        (Pgd(steps=3), 3.0),  # three ascents of two thirds, one pass
        (R3f(), 2.0),
        (Smart(), 3.0),
        (Smart(proximal=0.0), 8 / 3),
        (FreeLb(start_step=1), 1.0),
    ],
)
def test_what_a_step_costs_is_counted(adversary: Adversary | None, passes: float) -> None:
    training = AdversarialTraining(make_model(), adversary, SPECIAL)
    for loss in training.losses(make_batch(), step=0):
        backward(loss)
    assert training.cost == pytest.approx(passes)
    if adversary and adversary.due(0):
        assert adversary.work.passes == pytest.approx(passes)


@pytest.mark.parametrize("adversary", [Alum(), Alum(start_step=4, every=3), Alum(weight=0.0), Pgd(every=2)])
def test_what_a_step_costs_is_known_before(adversary: Adversary) -> None:
    due = sum(adversary.due(step) for step in range(12))
    assert adversary.cost(12) == pytest.approx(1 + (adversary.work.passes - 1) * due / 12)


@pytest.mark.parametrize("adversary", [*EVERYONE[1:], Alum()], ids=lambda one: type(one).__name__)
def test_micro_batches_add_up_to_the_batch(adversary: Adversary) -> None:
    batch = make_batch()

    def learn(parts: list[slice]) -> Tensor:
        torch.manual_seed(1)
        watched = Watched(make_model(), adversary)
        for part in parts:
            micro = {name: values[part] for name, values in batch.items()}
            length = int(micro["attention_mask"].sum(1).max())  # padded otherwise
            micro = {name: v[:, :length] if v.dim() > 1 else v for name, v in micro.items()}
            for one in watched.passes(micro, first_row=part.start):
                backward(one.loss * len(micro["labels"]) / 3)
        return take_gradient(watched.model)

    assert_near(learn([slice(0, 3)]), learn([slice(0, 1), slice(1, 3)]), 2e-5)


def test_noise_is_of_a_seed_a_step_a_row_and_a_purpose() -> None:
    def noise(seed: int = 0, step: int = 0, purpose: str = "start") -> Tensor:
        training, batch = AdversarialTraining(make_model(), FreeLb(), SPECIAL, seed=seed), make_batch()
        found: list[Tensor] = []

        class Listening(FreeLb):
            def passes(self, attack: Attack[Said], state: object = None) -> Iterator[Pass[Said]]:
                found.append(attack.noise("normal", purpose))
                return iter(())

        training.adversary = Listening()
        assert not list(training.passes(lambda: None, ModelJudge(batch), batch, step))
        return found[0]

    assert torch.equal(noise(), noise())
    others = noise(seed=1), noise(step=1), noise(purpose="end")
    assert all(not torch.equal(noise(), other) for other in others)
    rows = [row[:length] for row, length in zip(noise(), LENGTHS, strict=True)]
    assert not torch.equal(rows[0][:5], rows[1])
    assert torch.cat(rows).std().item() == pytest.approx(1, abs=0.1)


def test_under_bf16_a_perturbation_is_added_in_fp32() -> None:
    watched, read = Watched(make_model(), R3f(noise_scale=1e-4)), list[Tensor]()
    watched.training.precision = torch.bfloat16
    watched.model.bert.embeddings.LayerNorm.register_forward_pre_hook(lambda _, given: read.append(given[0]))
    (one,) = watched.passes(make_batch())
    clean, moved = read
    assert one.loss.dtype == clean.dtype == moved.dtype == torch.float32
    assert_near(moved - clean, watched.seen[0], 1e-6)
    assert watched.seen[0].abs().max() > 9e-5
    assert one.said.logits.dtype == torch.bfloat16


def test_ascents_of_a_divergence_are_exact_under_bf16_where_noise_is_small() -> None:
    ends = []
    for precision in (None, torch.bfloat16):
        adversary = Smart(proximal=0.0, level="words", unit="absolute", noise_scale=1e-4)
        watched = Watched(make_model(), adversary)
        watched.training.precision = precision
        watched.training.exact = adversary.exact(precision is not None)
        next(iter(watched.passes(make_batch())))
        ends.append(watched.seen[-1].flatten())
    assert torch.nn.functional.cosine_similarity(ends[0], ends[1], dim=0) > 0.99


def test_in_fp16_a_scale_keeps_the_slope_of_what_is_small() -> None:
    exact = slope(None, 1.0, 1.0)
    assert not slope(torch.float16, 1.0, 1e-9).any()  # 1e-9 is 0 in half precision
    assert_near(slope(torch.float16, 2.0**16, 1e-9) * 1e9, exact, 0.01)


def slope(precision: torch.dtype | None, scale: float, factor: float) -> Tensor:
    model, batch = make_model(), make_batch()
    training = AdversarialTraining(model, Pgd(), SPECIAL, precision=precision)
    training.scale = scale
    attack = ModelAttack(training, lambda: model(**batch), ModelJudge(batch), batch, 0, 0)
    attack.outputs()
    nothing = torch.zeros_like(attack.embedded)
    return attack.gradient(nothing, lambda said: factor * said.logits[:, 0].float().sum(), dropout="off")


def arguments(folder: Path, **settings: object) -> TrainingArguments:
    plain: dict[str, object] = {
        "max_steps": 2,
        "per_device_train_batch_size": 2,
        "learning_rate": 1e-3,
        "report_to": [],
        "disable_tqdm": True,
        "save_strategy": "no",
        "use_cpu": True,
    }
    return TrainingArguments(str(folder), **{**plain, **settings})  # type: ignore[arg-type]


def rows() -> list[dict[str, Any]]:
    batch = make_batch()
    return [{name: values[row].tolist() for name, values in batch.items()} for row in (0, 1, 2, 0)]


@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_trainer_takes_the_steps_of_a_plain_loop(tmp_path: Path, accumulated: int) -> None:
    adversary = FreeLb(steps=2, step_size=0.3, epsilon=0.5, noise_scale=0.4, unit="absolute")
    settings = arguments(
        tmp_path,
        per_device_train_batch_size=4 // accumulated,
        gradient_accumulation_steps=accumulated,
        lr_scheduler_type="constant",
        optim="sgd",
        max_grad_norm=0.0,
    )
    parts: list[dict[str, Tensor]] = []

    class Listening(AdversarialTrainer):
        def training_step(
            self, model: nn.Module, inputs: Batch, number: int | Tensor | None = None
        ) -> Tensor:
            parts.append(inputs)
            return super().training_step(model, inputs, number)

    trainer = Listening(make_model(), settings, adversary=adversary, train_dataset=rows())
    trainer.train()
    trained: nn.Module = trainer.model  # type: ignore[assignment]
    steps = [parts[at : at + accumulated] for at in range(0, len(parts), accumulated)]
    seen = [{name: torch.cat([part[name] for part in step]) for name in step[0]} for step in steps]
    model = make_model()
    optimizer, training = (
        torch.optim.SGD(model.parameters(), lr=1e-3),
        AdversarialTraining(model, adversary, seed=42),
    )
    for step, batch in enumerate(seen):
        for loss in training.losses(batch, step):
            backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    weights = torch.nn.utils.parameters_to_vector
    start = weights(make_model().parameters())
    assert_near(weights(trained.parameters()) - start, weights(model.parameters()) - start, 1e-6)


def test_the_examples_of_the_manual_run(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "adversarial.md").read_text("utf-8")
    loop, trained = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    model = make_model()
    names = {
        "model": model,
        "tokenizer": SimpleNamespace(all_special_ids=SPECIAL),
        "batches": [make_batch()],
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "arguments": arguments(tmp_path),
        "rows": rows(),
    }
    for example in (loop, trained):
        before = torch.nn.utils.parameters_to_vector(model.parameters()).detach().clone()
        exec(example, names)
        assert not torch.equal(before, torch.nn.utils.parameters_to_vector(model.parameters()))


def test_the_trainer_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="FreeAt updates the weights after every pass"):
        AdversarialTrainer(make_model(), arguments(tmp_path), adversary=FreeAt())


def test_the_ends_of_an_answer_tokens_and_numbers_are_judged_each_in_its_way() -> None:
    start, end, moved = torch.randn(2, 5), torch.randn(2, 5), torch.randn(2, 5)
    answers = ModelJudge({})
    one, other = {"start_logits": start, "end_logits": end}, {"start_logits": moved, "end_logits": end}
    wanted = (start.softmax(1) * (start.log_softmax(1) - moved.log_softmax(1))).sum() / 2
    assert_near(answers.divergence(one, other), wanted)
    tokens = torch.randn(1, 3, 4)
    judge = ModelJudge({"labels": torch.tensor([[1, -100, 2]])})
    changed = tokens.clone()
    changed[0, 1] += 5 * torch.randn(4)  # where nothing is asked
    assert judge.symmetric({"logits": tokens}, {"logits": changed}).item() == 0
    numbers = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.5], [4.0]])
    assert ModelJudge({}).symmetric({"logits": numbers[0]}, {"logits": numbers[1]}).item() == 2.125
