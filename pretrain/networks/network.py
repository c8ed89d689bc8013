"""The network: any `transformers` encoder with its own masked-LM head, read at the positions to predict only.

The head costs hidden x vocab multiplications a position, more than all layers of a small encoder: running it
at the 15 % that are asked, not everywhere, is what makes a step fast. No network is copied here, and no head:
the model runs as it is, and a hook between encoder and head lets only the asked positions through.
"""

import difflib
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, ClassVar

import torch
from pydantic import ConfigDict, model_validator
from torch import Tensor, nn

from corpora.errors import UsageError
from corpora.settings import Settings
from pretrain.adversarial.attack import Level, Places
from pretrain.batch import Batch
from pretrain.networks import attention
from pretrain.networks.architectures import (
    PAIRED,
    HuggingFaceModel,
    config_class,
    has_pair_head,
    network_class,
    positions,
    token_logits,
)
from pretrain.networks.layout import Laid, Layout
from pretrain.networks.perturbing import Embeddings, Shift, places
from pretrain.objectives.terms import Outputs

COMPUTED = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Precision -> what autocast computes in; in fp32 there is no autocast."""

OURS = {"vocab_size": "the token set", "pad_token_id": "the token set", "model_type": "`type`"}


FOREIGN = ("bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id")
"""Ids that a configuration presumes, of a vocabulary that is not ours: the tokenizer says them."""

PROBED, PROBED_IN_HALVES = (
    1e-3,
    5e-2,
)  # of the largest logit: rounding is below, another position's logit above


class Model(Settings):
    """A network from scratch: its type, and any key of that type's configuration in `transformers`."""

    model_config = ConfigDict(extra="allow")
    chosen_by: ClassVar[tuple[str, ...]] = ("type",)  # a recipe that names another type starts its keys anew

    type: str
    """Model type of `transformers`, such as bert."""

    @model_validator(mode="after")
    def _known(self) -> "Model":
        """Refuse what `transformers` would silently keep: a misspelt key."""
        try:
            kind = config_class(self.type)
        except UsageError as error:
            raise ValueError(f"type {error}") from error
        known = {**kind().to_dict(), **kind.attribute_map}
        for key in self.model_extra or {}:
            if key in OURS:
                raise ValueError(f"{key} is taken from {OURS[key]}: leave it out")
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{key!r} is no key of a {self.type} configuration{hint}")
        return self


class Network(nn.Module):
    """A `transformers` model with its heads. `forward` is the whole of what the engine runs."""

    def __init__(self, model: HuggingFaceModel, precision: str = "fp32") -> None:
        """Wrap `model`; with precision bf16 or fp16 it runs under autocast, its weights stay float32."""
        super().__init__()
        self.model = model
        self.precision = COMPUTED.get(precision)
        self._pairs = PAIRED[model.config.model_type] if has_pair_head(model) else None
        attention.prepare(model, halves=self.precision is not None)
        self._lay = Layout(model)
        self._laid: Laid | None = None  # of the pass that is running
        self.embeddings: Embeddings | None = None  # that an adversary moves
        self._special_ids: tuple[int, ...] = ()
        model.base_model.register_forward_hook(self._let_through)
        if pooler := getattr(model.base_model, "pooler", None):
            pooler.register_forward_pre_hook(self._row_starts)

    def forward(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """Logits at the positions to predict (masked, vocab) and of the pairs (batch, 2)."""
        halves = self.precision is not None and not (shift and shift.exact)
        with (
            torch.autocast(batch.input_ids.device.type, self.precision, halves),
            self.embeddings.moved(shift) if self.embeddings else nullcontext(),
        ):
            self._laid = self._lay(batch)
            try:
                said = self.model(**self._laid.arguments)
            finally:
                self._laid = None
        return Outputs(token_logits(said)[0], said[self._pairs] if self._pairs else None)

    def open_to(self, level: Level, special_ids: Sequence[int] = ()) -> None:
        """Let a `Shift` move the embeddings at this level; `special_ids`: of [CLS], [SEP] and their like.

        Raises:
            UsageError: the model has none there.
        """
        self.embeddings, self._special_ids = Embeddings(self.model, level), tuple(special_ids)

    def places(self, batch: Batch) -> Places:
        """The positions as the encoder reads them; all but padding may be moved."""
        return places(batch, self._lay.positions(batch), self._special_ids)

    @torch.compiler.disable  # a compiled encoder ends before it: how many positions are asked always differs
    def _let_through(self, encoder: nn.Module, given: Any, encoded: Any) -> Any:  # noqa: ANN401 - a hook
        """Hidden states of all tokens -> those at the asked positions, (1, masked, hidden)."""
        if self._laid is not None:
            states = next(iter(encoded))  # the name of the first output; a pooled one stays as it is
            encoded[states] = encoded[states].flatten(0, 1).index_select(0, self._laid.asked)[None]
        return encoded

    def _row_starts(self, pooler: nn.Module, given: tuple[Tensor]) -> tuple[Tensor] | None:
        """What the pooler reads where rows lie end to end: their first tokens, (batch, 1, hidden)."""
        if self._laid is None or self._laid.rows is None:
            return None
        return (given[0].flatten(0, 1)[self._laid.rows, None],)


def build(model: Model, vocabulary_size: int, pad_id: int, pairs: bool, seed: int) -> HuggingFaceModel:
    """A network with fresh weights, a function of `seed`; with its pair head if `pairs`.

    Raises:
        UsageError: the type has no pair head, or the values do not go together.
    """
    kind = config_class(model.type)
    sizes = {"vocab_size": vocabulary_size, "pad_token_id": pad_id}
    torch.manual_seed(seed)
    try:
        config = kind(**(dict.fromkeys(FOREIGN) | sizes | (model.model_extra or {})))
        return network_class(model.type, pairs)(config)
    except (AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"no {model.type} network can be built like this: {error}") from error


def check_fit(model: HuggingFaceModel, vocabulary_size: int, length: int) -> None:
    """Refuse token ids or positions that the network has no row for.

    Raises:
        UsageError: with both numbers.
    """
    config = model.config
    if config.vocab_size < vocabulary_size:  # more rows than ids are harmless: published networks are padded
        raise UsageError(
            f"the network has {config.vocab_size} word vectors, the token set {vocabulary_size} ids: "
            "encode the text with the network's own tokenizer"
        )
    if length > (room := positions(config)):
        raise UsageError(
            f"rows of up to {length} tokens, but the network has {room} positions: "
            "lower packing.length, or raise model.max_position_embeddings"
        )


@torch.no_grad()
def check_head(network: Network) -> None:
    """Make sure that the head reads each position by itself, and so says here what the whole model says.

    Raises:
        UsageError: it does not, or the model cannot be run on token ids and segments.
    """
    model, batch = network.model, _probe(network.model.config)
    training, model_type = model.training, model.config.model_type
    try:
        said = network.eval()(batch).tokens
        whole = token_logits(model(input_ids=batch.input_ids)).flatten(0, 1)
        apart = (said - whole[batch.masked_positions]).abs().max()
    except Exception as error:  # of any kind: another type's own check, or a shape that does not fit
        raise UsageError(f"a {model_type} network does not run here: {error}") from error
    finally:
        network.train(training)
    near = (PROBED if network.precision is None else PROBED_IN_HALVES) * max(1.0, float(whole.abs().max()))
    if whole.isfinite().all() and not apart <= near:
        raise UsageError(
            f"a {model_type} network says something else ({float(apart):.2g} apart) of some positions than "
            "of whole rows: its head reads more than one position, or it sees over a row's end"
        )


def _probe(config: Any) -> Batch:  # noqa: ANN401 - any configuration of `transformers`
    """Two short rows of ids spread over the vocabulary, none of them padding, some positions asked."""
    ids = torch.linspace(0, config.vocab_size - 1, 16).long().view(2, 8)
    ids[ids == config.pad_token_id] = (config.pad_token_id or 0) + 1
    asked = torch.tensor([0, 7, 8, 15])  # where one that looks aside would see another row
    return Batch(
        input_ids=ids,
        attention_mask=torch.ones_like(ids, dtype=torch.bool),
        token_type_ids=torch.zeros_like(ids),
        masked_positions=asked,
        masked_targets=ids.flatten()[asked],
        pair_labels=torch.zeros(2, dtype=torch.int64),
        samples=torch.arange(2),
        noise=torch.arange(2),
        position_ids=torch.arange(8).expand(2, 8),
    )
