"""ELECTRA's network: a generator fills in what is masked, a discriminator looks for it (arXiv:2003.10555).

It has the face of `Network`: a micro-batch in, what is said of it out. The generator runs as a `Network`, at
the positions to predict alone; the discriminator reads every token of what it wrote.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

import torch
from torch import Tensor, nn

from pretrain.adversarial.attack import Level, Places
from pretrain.batch import Batch
from pretrain.networks import attention
from pretrain.networks.layout import Layout
from pretrain.networks.network import COMPUTED, Network
from pretrain.networks.perturbing import Embeddings, Shift, places
from pretrain.networks.sampling import sample, uniform
from pretrain.networks.towers import Towers
from pretrain.objectives.electra import Electra
from pretrain.objectives.terms import Detections, Outputs

NEVER = 1000.0  # taken from a logit, so that its token is not drawn


class PairNetwork(nn.Module):
    """Both towers, run one after the other. `forward` is the whole of what the engine runs."""

    def __init__(self, model: Towers, asked: Electra, precision: str = "fp32") -> None:
        """Wrap `model`; with precision bf16 or fp16 it runs under autocast, its weights stay float32."""
        super().__init__()
        self.model, self.precision, self._asked = model, COMPUTED.get(precision), asked
        # In a tuple: it is no module of this one, or the generator would be one twice.
        self._generator = () if model.generator is None else (Network(model.generator, precision),)
        attention.prepare(model.discriminator.base_model, halves=self.precision is not None)
        self._lay = Layout(model.discriminator.base_model)
        self.embeddings: Embeddings | None = None  # of the discriminator, that an adversary moves
        self._special_ids: tuple[int, ...] = ()

    def forward(self, batch: Batch, shift: Shift | None = None) -> Outputs:
        """The generator's logits at positions to predict, (masked, vocab), and what is found of its draw."""
        if shift is None or shift.drawn is None:
            logits = self.generate(batch)
            drawn = self.draw(logits, batch)
        else:
            logits, drawn = torch.zeros(0, 1, device=batch.input_ids.device), shift.drawn
        return Outputs(
            logits, None, Detections(self.detect(batch, drawn, shift), replaced(batch, drawn), drawn)
        )

    def open_to(self, level: Level, special_ids: Sequence[int] = ()) -> None:
        """Let a `Shift` move the discriminator's embeddings; `special_ids`: of [CLS], [SEP] and their like.

        Raises:
            UsageError: it has none at this level.
        """
        encoder = self.model.discriminator.base_model
        self.embeddings, self._special_ids = Embeddings(encoder, level), tuple(special_ids)

    def places(self, batch: Batch) -> Places:
        """The positions as the discriminator reads them; all but padding may be moved."""
        return places(batch, self._lay.positions(batch), self._special_ids)

    @property
    def generator(self) -> Network | None:
        """The network that fills in; None where tokens are drawn uniformly."""
        return next(iter(self._generator), None)

    def generate(self, batch: Batch) -> Tensor:
        """The generator's logits, (masked, vocab); without one, zeros."""
        if self.generator is not None:
            return self.generator.forward(batch).tokens
        nothing = torch.zeros(1, 1, device=batch.input_ids.device)
        return nothing.expand(len(batch.masked_positions), self.model.config.vocab_size)

    @torch.no_grad()
    def draw(self, logits: Tensor, batch: Batch) -> Tensor:
        """A token for each position to predict, (masked,): a function of logits and (seed, step, sample).

        No gradient comes back through it (arXiv:2003.10555, section 2: sampling is not differentiable).
        """
        if self._asked.disallow_correct:
            gold = batch.masked_targets[:, None]
            logits = logits.float().scatter_add(1, gold, torch.full_like(gold, -NEVER, dtype=torch.float32))
        length = batch.input_ids.shape[1]
        keys, places = batch.noise[batch.masked_positions // length], batch.masked_positions % length
        return sample(logits, uniform(keys, places), self._asked.temperature)

    def detect(self, batch: Batch, drawn: Tensor, shift: Shift | None = None) -> Tensor:
        """The discriminator's logits that real tokens were replaced, (tokens,), rows one after the other."""
        ids = batch.input_ids.flatten().index_put((batch.masked_positions,), drawn).view_as(batch.input_ids)
        laid = self._lay(replace(batch, input_ids=ids, masked_positions=_real(batch)))
        discriminator = self.model.discriminator
        halves = self.precision is not None and not (shift and shift.exact)
        with (
            torch.autocast(batch.input_ids.device.type, self.precision, halves),
            self.embeddings.moved(shift) if self.embeddings else nullcontext(),
        ):
            states = discriminator.base_model(**laid.arguments)[0].flatten(0, 1)
            if len(states) > len(laid.asked):  # rows side by side, with padding
                states = states.index_select(0, laid.asked)
            logits = discriminator.judge(states, beginnings(batch))
        return logits


def replaced(batch: Batch, drawn: Tensor) -> Tensor:
    """Which real tokens are not the text's, (tokens,) bool; one that was drawn rightly is the text's."""
    changed = torch.zeros_like(batch.attention_mask.flatten())
    changed[batch.masked_positions] = drawn != batch.masked_targets
    return changed[_real(batch)]


def beginnings(batch: Batch) -> Tensor:
    """Which real token begins the document of each, (tokens,): places among the real tokens."""
    first = batch.position_ids.flatten()[_real(batch)] == 0
    return first.nonzero().squeeze(1)[first.cumsum(0) - 1]


def _real(batch: Batch) -> Tensor:
    """Positions that are not padding, (tokens,), into the flattened (batch * length)."""
    return batch.attention_mask.flatten().nonzero().squeeze(1)
