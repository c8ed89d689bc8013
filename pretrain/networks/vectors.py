"""A network's word vectors: rows for new tokens, and rows that no token has.

A new token begins as the mean of the tokens that spelt it until then, in the input's vectors, in the output's
(mostly the same matrix) and in the output's bias. So, wherever the network predicts, its logit is the mean of
theirs, its probability at most the mean of theirs, and the logits of all other tokens are what they were.

A row without a token fills the matrix up to a multiple of 64, say. It has a vector of zeros, and a bias that
makes its probability exactly 0: it takes no part in any loss, gets no gradient, and stays as it is.
"""

from collections.abc import Sequence

import torch
from torch import nn

from corpora.errors import UsageError
from pretrain.networks.architectures import HuggingFaceModel, head_parameters
from pretrain.networks.towers import Disentangled, Towers, parts
from tokenization.vocabulary import Vocabulary

SILENT = -1e4  # exp(SILENT) is 0 in every precision, and half precision holds the number


@torch.no_grad()
def grow(model: HuggingFaceModel | Towers, vocabulary: Vocabulary, extended: bool) -> bool:
    """Give a network the rows that `vocabulary` has more than it, in place; whether anything was done.

    If `extended`, the network knows the vocabulary that this one extends: the rows of added tokens are set,
    whether the network, padded perhaps, had them or not.

    Raises:
        UsageError: some of the rows have no token, and nothing can keep the network from saying them.
    """
    before = model.config.vocab_size
    if vocabulary.size > before:
        _widen(model, vocabulary.size)
    added = vocabulary.extension.rows if vocabulary.extension and extended else ()
    for rows in _matrices(model):
        for number, spelling in added:
            rows[number] = rows[list(spelling)].mean(0)
    silence(model, [number for number in vocabulary.empty_ids if number >= before])
    return vocabulary.size > before or bool(added)


@torch.no_grad()
def silence(model: HuggingFaceModel | Towers, numbers: Sequence[int]) -> None:
    """Make sure that no row of these is ever predicted, in place.

    Raises:
        UsageError: the head has no bias, so that nothing can.
    """
    if not numbers:
        return
    found = _matrices(model)
    if all(rows.ndim > 1 for rows in found):
        raise UsageError(
            f"the head of this {model.config.model_type} network has no bias, and so cannot be kept from "
            f"saying the {len(numbers)} rows that have no token: leave tokenizer.pad_to out"
        )
    for rows in found:
        rows[list(numbers)] = SILENT if rows.ndim == 1 else 0.0


def _matrices(model: HuggingFaceModel | Towers) -> list[nn.Parameter]:
    """All that has a row for each token, once: (vocab, width) of input and output, (vocab,) of the bias."""
    # Not through `get_output_embeddings`, which names another matrix in some networks (DeBERTa-v3's head).
    if isinstance(model, Towers):
        several = [rows for part in model.towers for rows in _matrices(part)]
        return list({id(rows): rows for rows in several}.values())
    size, table = int(model.config.vocab_size), model.get_input_embeddings()
    heads = [parameter for parameter in head_parameters(model) if len(parameter) == size]
    own = table.delta if isinstance(table, Disentangled) else table.weight
    return list({id(rows): rows for rows in (own, *heads)}.values())


def _widen(model: HuggingFaceModel | Towers, size: int) -> None:
    """Add rows of zeros to each of the matrices, wherever it is used: what was tied stays tied.

    `resize_token_embeddings` of `transformers` does not know all heads, and leaves some half done.
    """
    before = model.config.vocab_size
    wider = {
        id(rows): nn.Parameter(torch.cat([rows, rows.new_zeros(size - before, *rows.shape[1:])]))
        for rows in _matrices(model)
    }
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False, remove_duplicate=False):
            if id(parameter) in wider:
                setattr(module, name, wider[id(parameter)])
        for attribute in ("num_embeddings", "out_features"):  # of nn.Embedding and nn.Linear
            if module.__dict__.get(attribute) == before and len(module.get_parameter("weight")) == size:
                setattr(module, attribute, size)
    for part in parts(model):
        part.config.vocab_size = size
