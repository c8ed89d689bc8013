"""A classifier on top of a checkpoint: built fresh, filled from an export, saved as a Hugging Face folder."""

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from pretrain import tensors
from pretrain.architectures import positions
from pretrain.weights import ENCODER, WEIGHTS
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

NEEDED = ("config.json", WEIGHTS, "tokenizer.json")


def export_folder(model: Artefact) -> Path:
    """The verified Hugging Face folder of an export.

    Raises:
        BadData: a file that fine-tuning needs is not there.
    """
    if lacking := [name for name in NEEDED if name not in model.files]:
        raise BadData(
            f"{model.path} has no {', '.join(lacking)}: export the checkpoint again, tokenizer included"
        )
    return model.folder()


def open_config(folder: Path, labels: tuple[str, ...]) -> "PreTrainedConfig":
    """The export's configuration, with the names of the classes (the label map travels in it)."""
    from transformers import AutoConfig

    numbers = {label: number for number, label in enumerate(labels)}
    config: PreTrainedConfig = AutoConfig.from_pretrained(
        folder, id2label=dict(enumerate(labels)), label2id=numbers
    )
    return config


def open_tokenizer(folder: Path, config: "PreTrainedConfig", length: int) -> Tokenizer:
    """The export's tokenizer, told to cut rows at `length` tokens, so that a pipeline does as well.

    Raises:
        UsageError: the network has fewer positions than `length`.
        BadData: the tokenizer has more tokens than the network.
    """
    from transformers import AutoTokenizer

    if length > (places := positions(config)):
        raise UsageError(f"length: {length} tokens a row, but this checkpoint has {places} positions")
    tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=length)
    if len(tokenizer) > config.vocab_size:
        raise BadData(f"{folder}: tokenizer of {len(tokenizer)} tokens, network of {config.vocab_size}")
    return tokenizer


def build(config: "PreTrainedConfig") -> "PreTrainedModel":
    """A network with fresh weights, drawn from torch's current seed."""
    from transformers import AutoModelForSequenceClassification

    # A copy: a network writes into its configuration, and the next one shall start from the same.
    network: PreTrainedModel = AutoModelForSequenceClassification.from_config(  # type: ignore[no-untyped-call]
        copy.deepcopy(config), dtype=torch.float32
    )
    return network


def fill(network: "PreTrainedModel", folder: Path) -> None:
    """Copy the pre-trained weights into `network`; what they lack (the classifier, perhaps a pooler) stays.

    Done by name on a network that was built in full, so that with equal seeds a pre-trained network and one
    from random initialisation start from the very same classifier.

    Raises:
        BadData: weights of the encoder itself are missing.
    """
    encoder = f"{network.base_model_prefix}."
    weights = load_file(folder / WEIGHTS)
    if (pooled := folder / ENCODER / WEIGHTS).exists():  # a pooler that a sentence-pair objective trained
        weights |= {f"{encoder}{name}": weight for name, weight in load_file(pooled).items()}
    fresh = network.load_state_dict(weights, strict=False).missing_keys
    if missing := [name for name in fresh if name.startswith(encoder) and "pooler" not in name]:
        raise BadData(
            f"{folder / WEIGHTS} lacks {len(missing)} weights of the encoder, such as {missing[0]}: "
            f"no {type(network).__name__} can start from it; export the checkpoint again"
        )


def save(network: "PreTrainedModel", tokenizer: Tokenizer, folder: Path) -> None:
    """Write a folder that `pipeline("text-classification", model=folder)` opens."""
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tensors.save(network.state_dict(), folder / WEIGHTS)
