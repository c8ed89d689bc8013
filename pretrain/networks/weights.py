"""Weights on disk: Hugging Face folders, written and read exactly; tied tensors are stored once."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from corpora.errors import BadData
from pretrain import tensors
from pretrain.networks.architectures import HuggingFaceModel, network_class

WEIGHTS = "model.safetensors"
ENCODER = "encoder"  # sub-folder of an export: the bare encoder, with its pooler


def save(model: HuggingFaceModel, state: Mapping[str, Tensor], path: Path) -> None:
    """Write `state`, the weights of `model` by name, as one safetensors file."""
    tied = model.all_tied_weights_keys
    tensors.save({name: value for name, value in state.items() if name not in tied}, path)


def describe(model: HuggingFaceModel) -> str:
    """The model's `config.json`, with the class that opens it."""
    model.config.architectures = [type(model).__name__]
    return str(model.config.to_json_string())


def load(folder: Path) -> HuggingFaceModel:
    """The network that `save` wrote, exactly.

    Raises:
        BadData: the weights are not those of the configuration beside them.
    """
    from safetensors.torch import load_file
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder)
    pairs = "PreTraining" in config.architectures[0]
    model = network_class(config.model_type, pairs)(config)
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
