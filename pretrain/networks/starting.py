"""Where a network that goes on comes from: a Hugging Face folder or a hub name, checked before it is used.

Nothing of it is run: weights are safetensors, or `.bin` files read by torch's unpickler for weights alone;
code that a folder brings along is refused.
"""

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import load_file
from torch import nn

from corpora.errors import BadData, UsageError
from pretrain.networks.architectures import HuggingFaceModel, body_names, config_class, network_class
from pretrain.networks.detection import HEAD, RELEASED, released_class
from pretrain.networks.opening import SHOWN, few, opening, reason
from pretrain.networks.towers import Discriminator
from pretrain.networks.weights import quiet_transformers
from tokenization import tokenizer
from tokenization.pretrained import Pretrained, open_pretrained
from tokenization.tokens import TokenSet
from tokenization.vocabulary import differing, digest
from tokenization.vocabulary_files import has_vocabulary

Opened: TypeAlias = tuple[HuggingFaceModel, dict[str, Any]]  # and what transformers found on the way


def start_from(place: Pretrained, pairs: bool, seed: int) -> tuple[HuggingFaceModel, list[str]]:
    """A network with the weights of a Hugging Face folder or hub name; and the names of those missing there.

    Only weights of heads may be missing; they are drawn from `seed`.

    Raises:
        BadData: nothing can be loaded from there, or the weights are not those of its configuration.
        UsageError: its type cannot be trained here.
    """
    return _start(place, lambda model_type: network_class(model_type, pairs), seed)


def start_discriminator(place: Pretrained, seed: int) -> tuple[Discriminator, list[str]]:
    """A discriminator likewise, from one that was trained as such or from any masked language model.

    Raises:
        BadData: nothing can be loaded from there, or the weights are not those of its configuration.
        UsageError: its type cannot be trained here.
    """
    model, missing = _start(place, _discriminating, seed)
    torch.manual_seed(seed)
    found, folder = Discriminator(model.base_model), place.folder()
    own = getattr(model, HEAD, None) or getattr(model, RELEASED, None)
    exported = folder / f"{HEAD}.safetensors" if folder else None
    if own is not None and not missing:
        found.discriminator_predictions.load_state_dict(own.state_dict())
    elif exported is not None and exported.is_file():
        _read_head(found.discriminator_predictions, exported)
    else:
        return found, missing if own is not None else [HEAD]
    return found, []


def _read_head(head: nn.Module, path: Path) -> None:
    try:
        head.load_state_dict(load_file(path))
    except Exception as error:  # of safetensors and the file system; or it is the head of another type
        raise BadData(f"cannot load a discriminator's head from {path}: {reason(error)}") from error


def _discriminating(model_type: str) -> Any:  # noqa: ANN401 - a class of `transformers`
    """ELECTRA's and DeBERTa-V3's are published with a head; others are opened for their encoder."""
    from transformers import ElectraForPreTraining

    if model_type == "deberta-v2":
        return released_class()
    return ElectraForPreTraining if model_type == "electra" else network_class(model_type, pairs=False)


def _start(place: Pretrained, choose: Callable[[str], Any], seed: int) -> tuple[HuggingFaceModel, list[str]]:
    with opening(place):
        config = _open_config(place)
        kind = choose(config.model_type)
        model, info = _open(place, kind, config, seed)
        if any(name.startswith("lm_predictions.") for name in info["unexpected_keys"]):
            config.legacy = False  # DeBERTa's own head, of which transformers has two: the other one is there
            model, info = _open(place, kind, config, seed)
    _refuse_another_shape(place, model, info)
    return model, sorted(info["missing_keys"])


def _open_config(place: Pretrained) -> Any:  # noqa: ANN401 - of a class found by name
    from transformers import AutoConfig

    config = open_pretrained(place, partial(AutoConfig.from_pretrained, trust_remote_code=False))
    try:
        config_class(config.model_type)
    except UsageError as error:
        raise UsageError(f"{place} cannot be trained: {error}") from error
    return config


def _open(place: Pretrained, kind: Any, config: Any, seed: int) -> Opened:  # noqa: ANN401 - as found
    torch.manual_seed(seed)  # of the weights that are missing
    opener = partial(
        kind.from_pretrained,
        config=config,
        dtype=torch.float32,
        weights_only=True,
        ignore_mismatched_sizes=True,  # told by us, all of them
        output_loading_info=True,
    )
    with quiet_transformers(), warnings.catch_warnings(action="ignore", category=UserWarning):
        opened: Opened = open_pretrained(place, opener)
    return opened


def _refuse_another_shape(place: Pretrained, model: HuggingFaceModel, info: Mapping[str, Any]) -> None:
    """Heads may be missing, anything else says that weights and configuration are not of one network."""
    lines = [
        f"  {name}: {tuple(got)} there, {tuple(wanted)} by its config.json"
        for name, got, wanted in sorted(info["mismatched_keys"])
    ]
    if lost := sorted(body_names(model) & set(info["missing_keys"])):
        lines.append(f"  not there: {few(lost)}")
        if others := sorted(info["unexpected_keys"]):
            lines.append(f"  there, and of no use: {few(others)}")
    if lines:
        shown = [*lines[:SHOWN], *([f"  and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])]
        kind = type(model).__name__
        raise BadData(
            "\n".join([f"the weights in {place} are not of the {kind} of its config.json:", *shown])
        )


def check_vocabulary(place: Pretrained, tokens: TokenSet) -> bool:
    """Refuse weights whose word vectors belong to other tokens than those of a token set.

    True: to the vocabulary that the token set's extends. A folder without a tokenizer passes as the same:
    nothing says what its ids mean.

    Raises:
        UsageError: with both digests, and with the parts in which the tokenizers differ.
    """
    folder, ours = place.folder(), tokens.vocabulary
    if folder and not has_vocabulary(folder):
        return False  # `transformers` would make one up
    theirs = tokenizer.load(place)
    known = digest(theirs)
    if ours.extension and known == ours.extension.base:
        return True
    if known != ours.digest:
        parts = differing(theirs, tokenizer.load(Pretrained(path=str(tokens.tokenizer))))
        raise UsageError(
            f"{place} speaks the ids of vocabulary {known}, the token set those of {ours.digest} "
            f"(they differ in: {parts}): encode the text with that tokenizer, `tokenizer: {place.path}` in "
            "the stage that makes the token set"
        )
    return False
