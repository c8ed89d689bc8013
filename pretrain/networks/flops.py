"""How many floating-point operations a training step needs, by a formula, whatever the hardware does beyond.

6 for each weight of a matrix and each token that passes it, 2 forward and 4 backward (arXiv:2001.08361,
section 2.1), and 12 x hidden x length a token and layer for attention's two products, which have no weights
(arXiv:2204.02311, appendix B). Only real tokens pass the encoder, only those to predict pass the head. An
adversary's perturbed passes count like others, its ascents without the weights' gradients. Work that a run
repeats (activation checkpointing) or spends on padding is no use, and is not counted.
"""

from dataclasses import astuple, dataclass

from torch import nn

from pretrain.adversarial.attack import Adversary
from pretrain.networks.architectures import HuggingFaceModel, has_pair_head
from pretrain.networks.towers import Towers

PAIR_PARTS = ("pooler", "seq_relationship")


@dataclass(frozen=True)
class Flops:
    """Operations of a network, forward and backward, or of all passes of a step."""

    token: float  # of a token in the encoder's matrices
    neighbour: float  # of a token that looks at another one
    prediction: float  # of a position to predict in the head
    row: float  # of a row in the pooler and the sentence-pair head

    @classmethod
    def of(cls, model: HuggingFaceModel | Towers) -> "Flops":
        """Those of a model of `transformers`, or of a pair; their matrices are counted as they are."""
        if isinstance(model, Towers):
            return cls._of_pair(model)
        base, sizes = f"{model.base_model_prefix}.", {"body": 0, "head": 0, "pairs": 0}
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear):
                paired = any(part in name for part in PAIR_PARTS)
                place = "pairs" if paired else "body" if name.startswith(base) else "head"
                sizes[place] += module.in_features * module.out_features
        config = model.config
        attention = 12.0 * config.hidden_size * config.num_hidden_layers
        pairs = sizes["pairs"] if has_pair_head(model) else 0
        return cls(6.0 * sizes["body"], attention, 6.0 * sizes["head"], 6.0 * pairs)

    @classmethod
    def _of_pair(cls, model: Towers) -> "Flops":
        """Both read every token, the discriminator's head as well."""
        other = cls.of(model.discriminator).everywhere
        return other if model.generator is None else cls._sum((1, cls.of(model.generator)), (1, other))

    @classmethod
    def against(cls, adversary: Adversary, model: HuggingFaceModel | Towers) -> "Flops":
        """Those of a step against an adversary; of a pair, what the generator wrote once is read again."""
        work, whole = adversary.work, cls.of(model)
        again = isinstance(model, Towers) and work.clean
        moved = cls.of(model.discriminator).everywhere if again else whole
        parts = (work.clean, whole), (work.moved, moved), (work.ascents, moved.ascent)
        found = cls._sum(*parts, (work.watched / 3, whole))
        return found.everywhere if adversary.everywhere else found

    @classmethod
    def _sum(cls, *parts: tuple[float, "Flops"]) -> "Flops":
        weighted = [[factor * each for each in astuple(part)] for factor, part in parts]
        return cls(*map(sum, zip(*weighted, strict=True)))

    @property
    def everywhere(self) -> "Flops":
        """With the head at every token."""
        return Flops(self.token + self.prediction, self.neighbour, 0.0, self.row)

    @property
    def ascent(self) -> "Flops":
        """Forward, and back to the embeddings alone: attention's products have no weights to leave out."""
        return Flops(2 / 3 * self.token, self.neighbour, 2 / 3 * self.prediction, 2 / 3 * self.row)

    def total(self, tokens: float, predictions: float, rows: float) -> float:
        """Of so many real tokens in rows of one length; where they differ, attention costs a little more."""
        neighbours = tokens * tokens / max(rows, 1)
        return (
            self.token * tokens
            + self.neighbour * neighbours
            + self.prediction * predictions
            + self.row * rows
        )
