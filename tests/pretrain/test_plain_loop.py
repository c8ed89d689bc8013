"""The whole stage beside a page of plain PyTorch with transformers' own loss: the same weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForMaskedLM

from corpora.artefact import Artefact
from pretrain.batch import Batch
from pretrain.training.material import open_loader
from pretrain.training.settings import Train
from tests.pretrain.toys import NETWORK, NO_DROPOUT, run, toy_data, toy_train
from tests.tokenization.making import SIZE

STEPS, WARMUP, LR = 20, 4, 1e-3


def network(folder: Path) -> BertForMaskedLM:
    """First weights, saved without a tokenizer."""
    torch.manual_seed(0)
    settings = {key: value for key, value in {**NETWORK, **NO_DROPOUT}.items() if key != "type"}
    model = BertForMaskedLM(BertConfig(vocab_size=SIZE, **settings))  # type: ignore[arg-type]
    model.save_pretrained(folder)
    return model


def labels(batch: Batch) -> torch.Tensor:
    """-100 but where something is to be predicted, (batch, length)."""
    flat = torch.full((batch.input_ids.numel(),), -100)
    flat[batch.masked_positions] = batch.masked_targets
    return flat.view_as(batch.input_ids)


def plain_loop(model: BertForMaskedLM, config: Train, data: Artefact) -> None:
    """One loss over all rows of a step, its gradient, clip, AdamW, a line up and a line down."""
    model.train()
    kinds = [[w for w in model.parameters() if (w.ndim > 1) == matrix] for matrix in (True, False)]
    groups = [{"params": some, "weight_decay": decay} for some, decay in zip(kinds, (0.01, 0.0), strict=True)]
    optimizer = torch.optim.AdamW(groups, lr=LR, eps=1e-6)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: (n + 1) / WARMUP if n < WARMUP else (STEPS - n) / (STEPS - WARMUP)
    )
    loader = open_loader(config, {"data": data}, "train")
    for step in range(STEPS):
        (batch,) = loader.window(step).batches
        said = model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask.long(),
            token_type_ids=batch.token_type_ids,
            labels=labels(batch),
        )
        said.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()


@pytest.mark.slow
def test_weights_after_twenty_steps_are_those_of_a_plain_loop(tmp_path: Path) -> None:
    data, model = toy_data(tmp_path / "data"), network(tmp_path / "first")
    first = {name: weight.clone() for name, weight in model.state_dict().items()}
    config = toy_train(
        model=None,
        from_pretrained=str(tmp_path / "first"),
        head_warmup=0,
        objectives={"mlm": 1.0},
        optimizer={"name": "adamw", "lr": LR, "weight_decay": 0.01, "eps": 1e-6},
        schedule={"name": "linear", "warmup_steps": WARMUP},
        steps=STEPS,
        save_every=STEPS,
        evaluate_every=None,
    )
    made = run(config, data, tmp_path / "made")
    plain_loop(model, config, data)
    found = load_file(made.path / f"step-{STEPS:08d}" / "model.safetensors")
    wanted = model.state_dict()
    assert found.keys() >= {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"}
    for name, weight in found.items():
        torch.testing.assert_close(weight, wanted[name], rtol=0, atol=1e-5, msg=name)
    moved = max(float((wanted[name] - first[name]).abs().max()) for name in found)
    assert moved > 100 * 1e-5
