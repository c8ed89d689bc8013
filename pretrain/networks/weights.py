"""Weights on disk: Hugging Face folders, written and read exactly; tied tensors are stored once."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from corpora.errors import BadData
from pretrain import tensors
from pretrain.networks.architectures import HuggingFaceModel, config_class, network_class
from pretrain.networks.towers import Discriminator, Towers

WEIGHTS = "model.safetensors"
ENCODER = "encoder"  # sub-folder of an export: the bare encoder, with its pooler
GENERATOR = "generator"  # sub-folder of an export: the generator that the network was trained with


def save(model: HuggingFaceModel | Towers, state: Mapping[str, Tensor], path: Path) -> None:
    """Write `state`, the weights of `model` by name, as one safetensors file."""
    tied = model.all_tied_weights_keys
    tensors.save({name: value for name, value in state.items() if name not in tied}, path)


def describe(model: HuggingFaceModel | Towers) -> str:
    """The model's `config.json`, with the class that opens it; of a pair, both, and what they share."""
    if isinstance(model, Towers):
        generator = model.generator.config.to_dict() if model.generator is not None else None
        both = {"generator": generator, "discriminator": model.config.to_dict()}
        return json.dumps(both | {"sharing": model.sharing}, indent=2, sort_keys=True) + "\n"
    model.config.architectures = [type(model).__name__]
    return str(model.config.to_json_string())


def load(folder: Path) -> HuggingFaceModel:
    """The network, or the `Towers`, that `save` wrote, exactly.

    Raises:
        BadData: the weights are not those of the configuration beside them.
    """
    from safetensors.torch import load_file

    model: HuggingFaceModel = _built(folder)
    try:
        found = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    except RuntimeError as error:  # a tensor of another shape; all of them are named
        raise BadData(f"{folder / WEIGHTS} does not fit its config.json: {error}") from error
    lost = set(found.missing_keys) - set(model.all_tied_weights_keys)
    if lost or found.unexpected_keys:
        raise BadData(
            f"{folder / WEIGHTS} does not fit its config.json: it lacks {sorted(lost)} "
            f"and has {found.unexpected_keys} besides"
        )
    return model


def holds_pair(folder: Path) -> bool:
    """Whether `save` wrote a generator and a discriminator there."""
    described = folder / "config.json"
    return described.is_file() and "discriminator" in json.loads(described.read_text("utf-8"))


def _built(folder: Path) -> HuggingFaceModel | Towers:
    """A network of the configuration in a folder, its weights still to come."""
    from transformers import AutoConfig

    if not holds_pair(folder):
        config = AutoConfig.from_pretrained(folder)
        return network_class(config.model_type, "PreTraining" in config.architectures[0])(config)
    described = json.loads((folder / "config.json").read_text("utf-8"))
    discriminator = Discriminator(_from(described["discriminator"]).base_model)
    generator = None if described["generator"] is None else _from(described["generator"])
    return Towers(generator, discriminator, described["sharing"])


def _from(described: dict[str, Any]) -> HuggingFaceModel:
    kind = config_class(described["model_type"])
    return network_class(kind.model_type, pairs=False)(kind.from_dict(described))


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without progress bars and notes of `transformers`: what matters in them is told by us."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
