"""Moments go from any layout to any other: ZeRO stages here, numbers of ranks in `test_ranks`."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from corpora.errors import CorruptArtefact, UsageError
from pretrain.engine import moments
from pretrain.engine.moments import Slice
from pretrain.optimizers import AdamW
from pretrain.step import train_step
from tests.pretrain.toys import OBJECTIVES, toy_batch, toy_engine, toy_network, toy_window


def write(engine_zero: int, folder: Path) -> dict[str, torch.Tensor]:
    """Train two steps under a ZeRO stage; the weights, and the moments on disk."""
    engine = toy_engine(toy_network(), engine_zero)
    for step in range(2):
        train_step(engine, toy_window(step, toy_batch(4, step)), OBJECTIVES, 1e-2, seed=0)
    taken = engine.snapshot()
    assert taken.moments is not None
    folder.mkdir()
    save_file(dict(taken.moments), folder / taken.files[0], dict(taken.whose))
    return dict(taken.weights)


@pytest.mark.parametrize("written", range(4))
def test_every_zero_stage_reads_what_another_wrote(tmp_path: Path, written: int) -> None:
    weights = write(written, tmp_path / "made")
    stored = load_file(tmp_path / "made" / moments.file_name(0, 1))
    assert {key.split("/")[0] for key in stored} == set(toy_network().model.state_dict()) - {
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
        "bert.embeddings.position_ids",
        "bert.embeddings.token_type_ids",
    }
    for zero in range(4):
        network = toy_network()
        network.model.load_state_dict(weights)
        engine = toy_engine(network, zero)
        engine.load(tmp_path / "made")
        again = engine.snapshot().moments
        assert again is not None
        assert all(torch.equal(again[key], value) for key, value in stored.items())
        assert all(torch.equal(engine.weights()[key], value) for key, value in weights.items())


def owned(length: int, *pieces: tuple[str, int, int, int]) -> tuple[torch.optim.Optimizer, list[Slice]]:
    """An optimizer over one flat tensor, and what its stretches are of."""
    flat = nn.Parameter(torch.zeros(length))
    return torch.optim.AdamW([flat]), [
        Slice(name, begin, end, flat, offset) for name, begin, end, offset in pieces
    ]


def test_slices_are_put_together_across_files(tmp_path: Path) -> None:
    first, held = owned(8, ("a", 0, 5, 0), ("b", 0, 2, 5))  # the last element is padding
    second, rest = owned(8, ("a", 5, 9, 0), ("b", 2, 6, 4))
    for number, (optimizer, pieces, begin) in enumerate(((first, held, 0.0), (second, rest, 10.0))):
        state = {"step": torch.tensor(float(3 + number)), "exp_avg": torch.arange(8.0) + begin}
        optimizer.state[pieces[0].owner] = state
        collected = moments.collect(optimizer, pieces)
        save_file(collected, tmp_path / moments.file_name(number, 2), moments.metadata(optimizer))
    whole, both = owned(15, ("b", 0, 6, 0), ("a", 0, 9, 6))
    moments.restore(tmp_path, whole, both)
    state = whole.state[both[0].owner]
    assert state["exp_avg"].tolist() == [5, 6, 14, 15, 16, 17, 0, 1, 2, 3, 4, 10, 11, 12, 13]
    assert float(state["step"]) == 4
    (tmp_path / moments.file_name(1, 2)).unlink()
    with pytest.raises(CorruptArtefact, match="2 of 6 elements of exp_avg of b"):
        moments.restore(tmp_path, *owned(6, ("b", 0, 6, 0)))


def test_moments_of_another_optimizer_are_refused(tmp_path: Path) -> None:
    write(0, tmp_path / "made")
    other = torch.optim.SGD(toy_network().parameters())
    with pytest.raises(UsageError, match="holds moments of AdamW, but this stage trains with SGD"):
        moments.restore(tmp_path / "made", other, [])
    with pytest.raises(UsageError, match="holds no moments"):
        moments.restore(tmp_path, AdamW().build(toy_network()), [])
