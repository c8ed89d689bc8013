"""What happened since the last line of the log: sums over steps, and the line they become."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pretrain.batch import Masks, Window
from pretrain.objectives import Objective
from pretrain.step import Step

NOTED = ("adversarial_steps", "divergence", "dropped")
"""What an adversary notes that adds up over steps."""


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0) + value for name, value in other.items()}


@dataclass(frozen=True)
class Tally:
    """Sums over applied steps. A skipped step is never added: its numbers are not numbers."""

    steps: int = 0
    tokens: int = 0  # real ones, padding left out
    norm: float = 0.0
    losses: Mapping[str, float] = field(default_factory=dict)  # nats, by objective
    hits: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)
    more: Mapping[str, float] = field(default_factory=dict)  # what else objectives count
    masks: Masks = field(default_factory=Masks)
    noted: Mapping[str, float] = field(default_factory=dict)  # by an adversary

    def plus(self, step: Step, window: Window) -> "Tally":
        """This and one applied step."""
        return Tally(
            self.steps + 1,
            self.tokens + window.real_tokens,
            self.norm + step.norm,
            _added(self.losses, step.losses),
            _added(self.hits, step.hits),
            _added(self.counts, step.counts),
            _added(self.more, step.more),
            self.masks.plus(window.masks),
            _added(self.noted, {name: step.noted[name] for name in NOTED if name in step.noted}),
        )

    def means(self, objectives: Mapping[str, Objective]) -> dict[str, float]:
        """Each objective's loss (nats), share of right answers and other figures, and the weighted loss.

        And the gradient's norm, how many tokens were read, and what was done to them.
        """
        row = mean_measures(self.losses, self.hits, self.counts)
        row |= figures(objectives, self.more, self.counts)
        row["loss"] = _weighted(row, objectives)
        row |= {"gradient_norm": self.norm / max(self.steps, 1), "real_tokens": self.tokens}
        return row | self._adversarial() | self.masks.realised()

    def _adversarial(self) -> dict[str, float]:
        """How many steps were adversarial, their mean divergence, and how often that was dropped."""
        steps = self.noted.get("adversarial_steps", 0)
        if not steps:
            return {}
        row = {"adversarial_steps": steps, "dropped_micro_batches": self.noted.get("dropped", 0)}
        return row | ({"divergence": self.noted["divergence"] / steps} if "divergence" in self.noted else {})


def mean_loss(step: Step, objectives: Mapping[str, Objective]) -> float:
    """The loss of one step, as training sees it: each objective's mean, by its weight."""
    return _weighted(mean_measures(step.losses, step.hits, step.counts), objectives)


def _weighted(row: Mapping[str, float], objectives: Mapping[str, Objective]) -> float:
    return sum(objective.weight * row[name] for name, objective in objectives.items() if name in row)


def mean_measures(
    losses: Mapping[str, float], hits: Mapping[str, float], counts: Mapping[str, float]
) -> dict[str, float]:
    """`{mlm: mean loss in nats, mlm_accuracy: share, ...}`; one that was asked nothing is left out."""
    row: dict[str, float] = {}
    for name, count in counts.items():
        if count:
            row |= {name: losses[name] / count, f"{name}_accuracy": hits[name] / count}
    return row


def figures(
    objectives: Mapping[str, Objective], more: Mapping[str, float], counts: Mapping[str, float]
) -> dict[str, float]:
    """`{electra_recall: share, ...}`: the figures that objectives make of what else they count."""
    return {
        f"{name}_{figure}": value
        for name, objective in objectives.items()
        if counts.get(name) and all(counted in more for counted in objective.counted)
        for figure, value in objective.figures(more, counts[name]).items()
    }
