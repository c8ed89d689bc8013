"""Weights on disk: Hugging Face folders, written and read exactly; tied tensors are stored once."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from corpora.errors import BadData, UsageError
from pretrain import tensors
from pretrain.networks import TOKEN_HEADS, HuggingFaceModel, network_class
from tokenization import tokenizer
from tokenization.pretrained import folder_of
from tokenization.vocabulary import describe as describe_vocabulary

WEIGHTS = "model.safetensors"
ENCODER = "encoder"  # sub-folder of an export: the bare encoder, with its pooler
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model")
"""A folder with one of these holds a tokenizer."""


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
    found = model.load_state_dict(load_file(folder / WEIGHTS), strict=False)
    lost = set(found.missing_keys) - set(model.all_tied_weights_keys)
    if lost or found.unexpected_keys:
        raise BadData(
            f"{folder / WEIGHTS} does not fit its config.json: it lacks {sorted(lost)} "
            f"and has {found.unexpected_keys} besides"
        )
    return model


def start_from(place: str, pairs: bool, seed: int) -> tuple[HuggingFaceModel, list[str]]:
    """A network with the weights of a Hugging Face folder or hub name; and the names of those missing there.

    Raises:
        BadData: nothing can be loaded from there.
        UsageError: its type is not supported.
    """
    from transformers import AutoConfig

    place = str(folder_of(place) or place)
    torch.manual_seed(seed)  # of the weights that are missing
    try:
        model_type = AutoConfig.from_pretrained(place).model_type
        if model_type not in TOKEN_HEADS:
            raise UsageError(f"{place} is a {model_type!r}; supported: {', '.join(sorted(TOKEN_HEADS))}")
        with quiet_transformers():
            model, info = network_class(model_type, pairs).from_pretrained(
                place, dtype=torch.float32, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise BadData(f"cannot load a network from {place}: {error}") from error
    return model, sorted(info["missing_keys"])


def check_vocabulary(place: str, digest: str) -> None:
    """Refuse weights whose word vectors belong to other tokens than those of the vocabulary `digest`.

    A folder without a tokenizer passes: nothing says what its ids mean.

    Raises:
        UsageError: with both digests.
    """
    folder = folder_of(place)
    if folder and not any((folder / name).is_file() for name in VOCABULARIES):
        return  # `transformers` would make one up
    theirs = describe_vocabulary(tokenizer.load(place), place).digest
    if theirs != digest:
        raise UsageError(
            f"{place} speaks the ids of vocabulary {theirs}, the token set those of {digest}: encode the "
            f"text with that tokenizer, `tokenizer: {place}` in the stage that makes the token set"
        )


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
