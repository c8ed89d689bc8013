"""A full disk while tensors are written is one message, whoever writes them."""

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

import pretrain
from corpora.artefact import Draft
from corpora.errors import CannotWrite
from pretrain import tensors
from pretrain.finetuning import heads
from pretrain.networks import weights
from pretrain.objectives import Objectives
from pretrain.step import train_step
from tests.pretrain.finetuning.making import make_folder, make_network
from tests.pretrain.toys import toy_batch, toy_engine, toy_network, toy_window

LIMIT = 12_000  # bytes: room for a configuration and a tokenizer, none for a network


@contextmanager
def full_disk() -> Iterator[None]:
    """Files end at LIMIT bytes; the system says so as it says that a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def save_weights(folder: Path) -> Callable[[Path], None]:
    model = toy_network().model
    return lambda path: weights.save(model, model.state_dict(), path / weights.WEIGHTS)


def save_moments(folder: Path) -> Callable[[Path], None]:
    engine, objectives = toy_engine(toy_network()), Objectives.model_validate({"mlm": 1.0}).active()
    train_step(engine, toy_window(0, toy_batch(4, 0)), objectives, 1e-2, seed=0)
    moments = engine.snapshot().moments or {}
    return lambda path: tensors.save(moments, path / "optimizer.safetensors")


def save_classifier(folder: Path) -> Callable[[Path], None]:
    export = make_folder(folder / "export")
    network = make_network(export)
    tokenizer = AutoTokenizer.from_pretrained(export)
    return lambda path: heads.save(network, tokenizer, path)


@pytest.mark.parametrize("writer", [save_weights, save_moments, save_classifier])
def test_a_full_disk_is_one_message(tmp_path: Path, writer: Callable[[Path], Callable[[Path], None]]) -> None:
    save, out = writer(tmp_path), Draft.open(tmp_path / "made", "checkpoint", "toy")

    def write() -> None:
        with full_disk(), out.fill("part") as folder:
            folder.mkdir()
            save(folder)

    with pytest.raises(CannotWrite, match="no space") as caught:
        write()
    cause = caught.value.__cause__
    assert isinstance(cause, OSError)
    assert cause.errno == errno.EFBIG


def test_no_module_lets_safetensors_write_by_itself() -> None:
    sources = Path(pretrain.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "save_file" in path.read_text("utf-8")] == []


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    given = {"a": torch.arange(6).view(2, 3).T, "b": torch.ones(2, dtype=torch.bfloat16)}
    tensors.save(given, tmp_path / "x.safetensors")
    found = load_file(tmp_path / "x.safetensors")
    assert found.keys() == given.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in given.items())
