"""A checkpoint with a head for a task: built fresh, filled with weights, saved as a Hugging Face folder."""

import copy
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from corpora.artefact import Artefact
from corpora.errors import BadData, UsageError
from corpora.stage import JSON
from pretrain import tensors
from pretrain.networks.architectures import COUNTED_FROM_PAD, positions
from pretrain.networks.opening import opening
from pretrain.networks.weights import ENCODER, WEIGHTS, quiet_transformers
from tokenization import tokenizer as tokenizers
from tokenization.pretrained import Pretrained, open_pretrained
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

NEEDED = ("config.json", WEIGHTS, "tokenizer.json")
INPUTS = ("input_ids", "attention_mask")


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


def open_config(place: Pretrained, outputs: Mapping[str, JSON]) -> "PreTrainedConfig":
    """A checkpoint's configuration, with what a task says of its head (the label map travels in it).

    Raises:
        BadData: there is none, or it cannot be read.
    """
    from transformers import AutoConfig

    opener = partial(AutoConfig.from_pretrained, trust_remote_code=False, **outputs)
    with opening(place):
        config: PreTrainedConfig = open_pretrained(place, opener)
    return config


def open_tokenizer(place: Pretrained, config: "PreTrainedConfig", length: int | None) -> Tokenizer:
    """A checkpoint's tokenizer, told to cut rows at `length` tokens, so that a pipeline does as well.

    It is told, too, whether the network wants to know which of a pair a token is of. Without a length its
    own stays.

    Raises:
        UsageError: the network has fewer positions than `length`.
        BadData: the tokenizer has more tokens than the network.
    """
    if length and length > (places := positions(config)):
        raise UsageError(
            f"length: {length} tokens a row, but this checkpoint has {places} positions: so many at most"
        )
    tokenizer = tokenizers.load(place)
    tokenizer.model_max_length = length or tokenizer.model_max_length
    tokenizer.model_input_names = [*INPUTS, "token_type_ids"] if knows_segments(config) else list(INPUTS)
    if len(tokenizer) > config.vocab_size:
        raise BadData(
            f"{place}: tokenizer of {len(tokenizer)} tokens, network of {config.vocab_size}: it is "
            "another's; put the one there that the network was trained with"
        )
    return tokenizer


def knows_segments(config: "PreTrainedConfig") -> bool:
    """Whether a network of this configuration is to be told which of a pair each token is of."""
    return config.model_type not in COUNTED_FROM_PAD and getattr(config, "type_vocab_size", 0) > 1


def build(config: "PreTrainedConfig", head: str) -> "PreTrainedModel":
    """A network with fresh weights, drawn from torch's current seed; `head` names the class that opens it.

    Raises:
        UsageError: `transformers` has no such class for this type of network.
    """
    import transformers

    # A copy: a network writes into its configuration, and the next one shall start from the same.
    try:
        network: PreTrainedModel = getattr(transformers, head).from_config(
            copy.deepcopy(config), dtype=torch.float32
        )
    except ValueError as error:
        raise UsageError(f"transformers has no {head} for a network of type {config.model_type!r}") from error
    return network


def fill(network: "PreTrainedModel", place: Pretrained) -> None:
    """Copy a checkpoint's weights into `network`; what it lacks (the head, perhaps a pooler) stays.

    Done by name on a network that was built in full, so that with equal seeds a pre-trained network and one
    from random initialisation start from the very same head.

    Raises:
        BadData: the weights cannot be read, or some of the encoder itself are missing.
    """
    from transformers import AutoModel

    opener = partial(AutoModel.from_pretrained, dtype=torch.float32, output_loading_info=True)
    with opening(place), quiet_transformers():
        encoder, info = open_pretrained(_with_pooler(place), opener)
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
    """Write a folder that `transformers.pipeline(..., model=folder)` opens."""
    network.config.architectures = [type(network).__name__]
    network.config.save_pretrained(folder)
    tokenizer.backend_tokenizer.no_truncation()  # of the rows that it was used on last
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.save_pretrained(folder)
    tensors.save(network.state_dict(), folder / WEIGHTS)
