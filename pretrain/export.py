"""Stage `export`: a checkpoint in, a Hugging Face folder out, checked to say what the trained network says.

The folder itself opens with AutoModelForMaskedLM, without a missing or an unexpected weight. A network that
learned a sentence-pair objective has a trained pooler besides, for which that class has no place: `encoder/`
holds it with the bare encoder, for AutoModel and for fine-tuning.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from corpora.artefact import Artefact, Draft
from corpora.errors import MaskwrightError
from corpora.reporter import Reporter
from corpora.settings import Items
from corpora.stage import JSON, Reads, Report, StageSettings
from pretrain.card import Wishes, card
from pretrain.networks import weights
from pretrain.networks.architectures import HuggingFaceModel, has_pair_head, network_class, token_logits
from pretrain.networks.weights import ENCODER
from pretrain.training import checkpoints

TOLERANCE = 1e-5  # of logits; they are the same numbers, so in truth it is 0 on one machine


class Export(StageSettings):
    """Export a checkpoint for use with `transformers`."""

    makes: ClassVar[str] = "export"

    kind: Literal["export"] = "export"
    """Export."""

    checkpoint: Annotated[str | None, Reads("checkpoint")] = None
    """Training stage to export."""

    step: Annotated[int | None, Field(ge=1)] = None
    """Step to export, one of those kept; left out, the last one."""

    license: str | None = None
    """Licence of the exported weights, as the hub names it, such as apache-2.0; for the model card."""

    language: Items[str] = ()
    """Languages of the text, as the hub names them, such as [zh]; for the model card."""


def export(config: Export, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Write the folder, open it as a user would, and compare.

    Raises:
        UsageError: the step was not kept.
        MaskwrightError: the exported model does not say what the trained one says.
    """
    source = inputs["checkpoint"]
    folder = checkpoints.folder(source, config.step)
    saved = checkpoints.read(folder)
    step = saved.progress.step
    trained = weights.load(folder).eval()
    plain = _without_pair_head(trained)
    with out.fill(weights.WEIGHTS) as path:
        weights.save(plain, plain.state_dict(), path)
    _write_text(out, "config.json", weights.describe(plain))
    for file in checkpoints.tokenizer_files(folder):
        with out.fill(file.name) as path:
            shutil.copyfile(file, path)
    if has_pair_head(trained):
        with out.fill(ENCODER) as path:
            _write_encoder(trained.base_model, folder, path)
    name, size = type(plain).__name__, plain.num_parameters()
    facts: dict[str, JSON] = {"step": step, "parameters": size, "model": name}
    wishes = Wishes(config.license, config.language)
    _write_text(out, "README.md", card(facts, source.facts, saved.log, has_pair_head(trained), wishes))
    _check(trained, out.path, has_pair_head(trained))
    return Report(f"{name}, {size / 1e6:.1f} M weights, of step {step:,}", facts)


def _write_text(out: Draft, part: str, text: str) -> None:
    with out.write(part) as file:
        file.write(text.encode())


def _without_pair_head(trained: HuggingFaceModel) -> HuggingFaceModel:
    """The masked-LM part of a network: the same tensors, without pooler and pair head."""
    if not has_pair_head(trained):
        return trained
    plain = network_class(trained.config.model_type, pairs=False)(trained.config)
    state = trained.state_dict()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    return plain.eval()


def _write_encoder(encoder: HuggingFaceModel, checkpoint: Path, folder: Path) -> None:
    """The bare encoder with its pooler, and the tokenizer."""
    folder.mkdir()
    weights.save(encoder, encoder.state_dict(), folder / weights.WEIGHTS)
    (folder / "config.json").write_text(weights.describe(encoder), "utf-8")
    for file in checkpoints.tokenizer_files(checkpoint):
        shutil.copyfile(file, folder / file.name)


def _check(trained: HuggingFaceModel, folder: Path, encoder: bool) -> None:
    """Open what was written with the classes a user will use, and compare with the trained network."""
    from transformers import AutoModel, AutoModelForMaskedLM

    ids = _probe(trained.config.vocab_size)
    with weights.quiet_transformers(), torch.no_grad():
        encoded = trained.base_model(ids)
        _agree(AutoModelForMaskedLM, folder, ids, "logits", token_logits(trained(ids)))
        _agree(AutoModel, folder, ids, "last_hidden_state", encoded[0], parts=True)
        if encoder:
            _agree(AutoModel, folder / ENCODER, ids, "pooler_output", encoded.pooler_output)


def _agree(
    opener: HuggingFaceModel, folder: Path, ids: Tensor, what: str, wanted: Tensor, parts: bool = False
) -> None:
    """Open the folder and compare; with `parts`, its head has no place there and a pooler may be missing."""
    model, info = opener.from_pretrained(folder, output_loading_info=True, local_files_only=True)
    if parts:
        lost = [name for name in info["missing_keys"] if not name.startswith("pooler.")]
        info = info | {"missing_keys": lost, "unexpected_keys": []}
    odd = {key: sorted(names) for key, names in info.items() if names}
    apart = float((getattr(model.eval()(ids), what) - wanted).abs().max())
    if odd or not apart <= TOLERANCE:
        raise MaskwrightError(
            f"{folder} opens as {type(model).__name__} with {odd or 'all weights'}, and its {what} differ by "
            f"{apart:.2g} from the trained network's (at most {TOLERANCE} are allowed): nothing was exported"
        )


def _probe(vocabulary_size: int) -> Tensor:
    """A few rows of ids spread over the vocabulary, (batch, length)."""
    return torch.linspace(0, vocabulary_size - 1, 2 * 12).long().view(2, 12)
