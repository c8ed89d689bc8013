"""A classifier on top of a checkpoint: built fresh, filled with weights, saved as a Hugging Face folder."""

import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from pretrain import tensors
from pretrain.networks.architectures import positions
from pretrain.networks.weights import ENCODER, WEIGHTS, quiet_transformers
from tokenization import tokenizer as tokenizers
from tokenization.pretrained import Pretrained, open_pretrained
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

NEEDED = ("config.json", WEIGHTS, "tokenizer.json")


def export_of(model: Artefact) -> Pretrained:
    """The verified Hugging Face folder of an export.

    Raises:
        BadData: a file that fine-tuning needs is not there.
    """
    if lacking := [name for name in NEEDED if name not in model.files]:
        raise BadData(
            f"{model.path} has no {', '.join(lacking)}: export the checkpoint again, tokenizer included"
        )
    return Pretrained(path=str(model.folder()))


def open_config(place: Pretrained, labels: tuple[str, ...]) -> "PreTrainedConfig":
    """A checkpoint's configuration, with the names of the classes (the label map travels in it)."""
    from transformers import AutoConfig

    names = dict(enumerate(labels))
    numbers = {label: number for number, label in enumerate(labels)}
    opener = partial(AutoConfig.from_pretrained, id2label=names, label2id=numbers)
    config: PreTrainedConfig = open_pretrained(place, opener)
    return config


def open_tokenizer(place: Pretrained, config: "PreTrainedConfig", length: int) -> Tokenizer:
    """A checkpoint's tokenizer, told to cut rows at `length` tokens, so that a pipeline does as well.

    Raises:
        UsageError: the network has fewer positions than `length`.
        BadData: the tokenizer has more tokens than the network.
    """
    if length > (places := positions(config)):
        raise UsageError(f"length: {length} tokens a row, but this checkpoint has {places} positions")
    tokenizer = tokenizers.load(place)
    tokenizer.model_max_length = length
    if len(tokenizer) > config.vocab_size:
        raise BadData(f"{place}: tokenizer of {len(tokenizer)} tokens, network of {config.vocab_size}")
    return tokenizer


def build(config: "PreTrainedConfig") -> "PreTrainedModel":
    """A network with fresh weights, drawn from torch's current seed."""
    from transformers import AutoModelForSequenceClassification

    # A copy: a network writes into its configuration, and the next one shall start from the same.
    network: PreTrainedModel = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
        copy.deepcopy(config), dtype=torch.float32
    )
    return network


def fill(network: "PreTrainedModel", place: Pretrained) -> None:
    """Copy a checkpoint's weights into `network`; what it lacks (the classifier, perhaps a pooler) stays.

    Done by name on a network that was built in full, so that with equal seeds a pre-trained network and one
    from random initialisation start from the very same classifier.

    Raises:
        BadData: the weights cannot be read, or some of the encoder itself are missing.
    """
    from transformers import AutoModel

    opener = partial(AutoModel.from_pretrained, dtype=torch.float32, output_loading_info=True)
    try:
        with quiet_transformers():
            encoder, info = open_pretrained(_with_pooler(place), opener)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadData(f"cannot load a network from {place}: {error}") from error
    if lost := sorted(name for name in info["missing_keys"] if "pooler" not in name):
        raise BadData(
            f"{place} lacks {len(lost)} weights of the encoder, such as {lost[0]}: no "
            f"{type(network).__name__} can start from it; export the checkpoint again, or fetch it once more"
        )
    read = {name: each for name, each in encoder.state_dict().items() if name not in info["missing_keys"]}
    network.base_model.load_state_dict(read, strict=False)  # with a pooler, or without


def _with_pooler(place: Pretrained) -> Pretrained:
    """Where an export keeps the encoder with the pooler that a sentence-pair objective trained."""
    folder = place.folder()
    return Pretrained(path=str(folder / ENCODER)) if folder and (folder / ENCODER).is_dir() else place


def save(network: "PreTrainedModel", tokenizer: Tokenizer, folder: Path) -> None:
    """Write a folder that `pipeline("text-classification", model=folder)` opens."""
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tensors.save(network.state_dict(), folder / WEIGHTS)
