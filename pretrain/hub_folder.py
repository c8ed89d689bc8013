"""A folder as `transformers` opens it: weights, configuration, tokenizer. And does it say what it should?"""

import shutil
from pathlib import Path

import torch
from torch import Tensor

from corpora.artefact import Draft
from corpora.errors import MaskwrightError
from pretrain.networks import weights
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.training import checkpoints

TOLERANCE = 1e-5  # of logits; they are the same numbers, so in truth it is 0 on one machine


def write_root(model: HuggingFaceModel, checkpoint: Path, out: Draft) -> None:
    """Make an artefact itself such a folder, with the tokenizer of a checkpoint's folder."""
    with out.fill(weights.WEIGHTS) as path:
        weights.save(model, model.state_dict(), path)
    write_text(out, "config.json", weights.describe(model))
    for file in checkpoints.tokenizer_files(checkpoint):
        with out.fill(file.name) as path:
            shutil.copyfile(file, path)


def write_inside(model: HuggingFaceModel, checkpoint: Path, out: Draft, name: str) -> None:
    """Make such a folder within an artefact."""
    with out.fill(name) as folder:
        folder.mkdir()
        weights.save(model, model.state_dict(), folder / weights.WEIGHTS)
        (folder / "config.json").write_text(weights.describe(model), "utf-8")
        for file in checkpoints.tokenizer_files(checkpoint):
            shutil.copyfile(file, folder / file.name)


def write_text(out: Draft, part: str, text: str) -> None:
    """Make a part of an artefact, of text."""
    with out.write(part) as file:
        file.write(text.encode())


def agree(
    opener: HuggingFaceModel, folder: Path, ids: Tensor, what: str, wanted: Tensor, part: bool = False
) -> None:
    """Open the folder and compare its answer `what` to ids; `part`: without a head, a pooler may be missing.

    Raises:
        MaskwrightError: it says something else, or a weight is missing or of no use.
    """
    model, info = opener.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    if part:
        lost = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
        info = info | {"missing_keys": lost, "unexpected_keys": []}
    odd = {key: sorted(names) for key, names in info.items() if names}
    apart = float((getattr(model.eval()(ids), what) - wanted).abs().max())
    if odd or not apart <= TOLERANCE:
        raise MaskwrightError(
            f"{folder} opens as {type(model).__name__} with {odd or 'all weights'}, and its {what} differ by "
            f"{apart:.2g} from the trained network's (at most {TOLERANCE} are allowed): nothing was exported"
        )


def probe(vocabulary_size: int) -> Tensor:
    """A few rows of ids spread over the vocabulary, (batch, length)."""
    return torch.linspace(0, vocabulary_size - 1, 2 * 12).long().view(2, 12)
