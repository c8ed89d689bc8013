"""What is done to a model for speed or memory, in place: names and values of its weights stay as they are."""

import warnings

from corpora.errors import UsageError
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.networks.towers import Towers, parts

KINDS = 32
"""Compiled forms of one encoder, at most."""


def keep_no_activations(model: HuggingFaceModel | Towers) -> None:
    """Compute each layer's activations again in the backward pass (arXiv:1604.06174).

    Raises:
        UsageError: this type of network cannot.
    """
    for part in parts(model):
        _keep_none(part)


def _keep_none(model: HuggingFaceModel) -> None:
    if not model.supports_gradient_checkpointing:
        raise UsageError(
            f"a {model.config.model_type} network cannot compute its activations again: "
            "set speed.checkpoint_activations to false, and speed.micro_batch lower"
        )
    # Re-entrant checkpoints run the backward pass inside itself, which hooks on gradients do not expect.
    model.activation_checkpointing_enable({"use_reentrant": False})
    model.config.use_cache = False  # of decoders; `transformers` would say at every start that it is off


def compile_encoder(model: HuggingFaceModel | Towers) -> None:
    """Compile the encoder at its first call, for lengths that vary from the second on.

    The heads stay as they are: the number of positions to predict differs from batch to batch.

    Raises:
        UsageError: there is no C++ compiler, which it needs.
    """
    from torch._dynamo import config
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise UsageError(
            "speed.compile needs a C++ compiler, and none is found: install g++, or set it to false"
        ) from error
    # Where an adversary moves embeddings, the compiler looks for the gradient of what keeps none.
    warnings.filterwarnings("ignore", r"The \.grad attribute of a Tensor that is not a leaf", UserWarning)
    # Passes that learn, climb, watch and measure are compiled each by itself, for one length and then for
    # all: with an adversary 10 forms, and beyond its limit of 8 the compiler gives up, with a warning.
    config.recompile_limit = max(config.recompile_limit, KINDS)
    for part in parts(model):
        part.base_model.compile()
