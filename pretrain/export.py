"""Stage `export`: a checkpoint in, a Hugging Face folder out, checked to say what the trained network says.

The folder itself opens with AutoModelForMaskedLM, without a missing or an unexpected weight. A network that
learned a sentence-pair objective has a trained pooler besides, for which that class has no place: `encoder/`
holds it with the bare encoder, for AutoModel and for fine-tuning. Of a generator and a discriminator, see
`pretrain.export_pair`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field

from corpora.artefact import Artefact, Draft
from corpora.reporter import Reporter
from corpora.settings import Items
from corpora.stage import JSON, Reads, Report, StageSettings
from pretrain.card import Wishes, card
from pretrain.export_pair import check_pair, write_pair
from pretrain.hub_folder import agree, probe, write_inside, write_root, write_text
from pretrain.networks import weights
from pretrain.networks.architectures import HuggingFaceModel, has_pair_head, network_class, token_logits
from pretrain.networks.towers import Towers
from pretrain.networks.weights import ENCODER
from pretrain.snippets import opening
from pretrain.training import checkpoints


class Export(StageSettings):
    """Export a checkpoint for use with `transformers`."""

    makes: ClassVar[str] = "export"
    format: ClassVar[int] = 2

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
    trained = weights.load(folder).eval()
    pair = isinstance(trained, Towers)
    plain = write_pair(trained, folder, out) if pair else _write(trained, folder, out)
    step, name, size = saved.progress.step, type(plain).__name__, plain.num_parameters()
    facts: dict[str, JSON] = {"step": step, "parameters": size, "model": name}
    if pair:
        facts["generator"] = type(trained.generator).__name__ if trained.generator else None
    wishes = Wishes(config.license, config.language)
    encoder = not pair and has_pair_head(trained)
    write_text(out, "README.md", card(facts, source.facts, saved.log, encoder, wishes))
    check = check_pair if pair else _check
    check(trained, out.path)
    return Report(f"{name}, {size / 1e6:.1f} M weights, of step {step:,}", facts)


def how_to_open(made: Artefact, place: Path) -> str:
    """Lines of Python that open an export, ready to paste; `place` is its folder, or a link to it."""
    encoder = bool(made.names(f"{ENCODER}/"))
    return opening(made.facts, encoder, json.dumps(str(place), ensure_ascii=False))


def _write(trained: HuggingFaceModel, checkpoint: Path, out: Draft) -> HuggingFaceModel:
    """Write one network, its encoder apart where its pooler has learnt something; the network as written."""
    plain = _without_pair_head(trained)
    write_root(plain, checkpoint, out)
    if has_pair_head(trained):
        write_inside(trained.base_model, checkpoint, out, ENCODER)
    return plain


def _without_pair_head(trained: HuggingFaceModel) -> HuggingFaceModel:
    """The masked-LM part of a network: the same tensors, without pooler and pair head."""
    if not has_pair_head(trained):
        return trained
    plain = network_class(trained.config.model_type, pairs=False)(trained.config)
    state = trained.state_dict()
    plain.load_state_dict({name: state[name] for name in plain.state_dict()})
    return plain.eval()


def _check(trained: HuggingFaceModel, folder: Path) -> None:
    """Open what was written with the classes a user will use, and compare with the trained network."""
    from transformers import AutoModel, AutoModelForMaskedLM

    ids = probe(trained.config.vocab_size)
    with weights.quiet_transformers(), torch.no_grad():
        encoded = trained.base_model(ids)
        agree(AutoModelForMaskedLM, folder, ids, "logits", token_logits(trained(ids)))
        agree(AutoModel, folder, ids, "last_hidden_state", encoded[0], part=True)
        if has_pair_head(trained):
            agree(AutoModel, folder / ENCODER, ids, "pooler_output", encoded.pooler_output)
