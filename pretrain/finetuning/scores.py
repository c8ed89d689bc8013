"""What a person reads of a comparison: a summary line, a table, all figures as JSON, every answer as TSV."""

from collections.abc import Sequence

from corpora.labelled import LabelledRows
from corpora.stage import JSON
from pretrain.finetuning.metrics import Spread
from pretrain.finetuning.runs import TITLES, Arm, Run

Arms = dict[Arm, dict[str, Spread]]
"""Every measure of every arm over its runs."""


def by_arm(runs: Sequence[Run]) -> Arms:
    """Spread of each measure over the seeds of each arm, arms in the order of `runs`."""
    arms = {run.arm: [other for other in runs if other.arm == run.arm] for run in runs}
    return {
        arm: {name: Spread.of([run.test[name] for run in of_arm]) for name in of_arm[0].test}
        for arm, of_arm in arms.items()
    }


def summary(arms: Arms, measure: str, rows: int) -> str:
    """One line: `accuracy 0.812 ± 0.004 (3 seeds) | random init 0.790 ± 0.006 | 2,987 held-out rows`."""
    first = arms["pretrained"][measure]
    seeds = f"{len(first.runs)} seed{'s' if len(first.runs) > 1 else ''}"
    others = [f"{TITLES[arm]} {spreads[measure]}" for arm, spreads in arms.items() if arm != "pretrained"]
    return " | ".join([f"{measure} {first} ({seeds})", *others, f"{rows:,} held-out rows"])


def as_json(arms: Arms) -> dict[str, JSON]:
    """The figures of `by_arm`, unrounded."""
    return {
        arm: {name: {"mean": s.mean, "std": s.std, "runs": list(s.runs)} for name, s in spreads.items()}
        for arm, spreads in arms.items()
    }


def table(arms: Arms, rows: LabelledRows, saved: Run) -> str:
    """A Markdown page: one line an arm, then what was learnt from and how to load the result."""
    names = list(arms["pretrained"])
    share = max(_counts(rows).values()) / len(rows.test)
    lines = [
        "# Fine-tuned scores on held-out rows",
        "",
        f"| | {' | '.join(names)} | {names[0]} of each seed |",
        "|---" * (len(names) + 2) + "|",
        *(_line(TITLES[arm], spreads) for arm, spreads in arms.items()),
        "",
        f"Mean ± sample standard deviation over seeds. Always the most frequent class: accuracy {share:.3f}.",
        f"Learnt from {len(rows.train):,} rows, chosen by {len(rows.dev):,}, scored on {len(rows.test):,}.",
        f"Classes: {', '.join(rows.labels)}.",
        f"`model/` holds {TITLES[saved.arm]}, seed {saved.seed}, epoch {saved.chosen + 1}:",
        "",
        '    transformers.pipeline("text-classification", model="model")',
    ]
    return "\n".join(lines) + "\n"


def predictions(runs: Sequence[Run], rows: LabelledRows) -> str:
    """Tab-separated: true label, the answer of every run, the text (its own tabs and backslashes escaped)."""
    header = ["label", *(run.name for run in runs), "text"]
    body = [
        [rows.labels[truth], *(rows.labels[run.answers[place]] for run in runs), _escape(text)]
        for place, (text, truth) in enumerate(rows.test)
    ]
    return "".join("\t".join(line) + "\n" for line in [header, *body])


def _line(title: str, spreads: dict[str, Spread]) -> str:
    first = next(iter(spreads.values()))
    runs = " ".join(f"{value:.3f}" for value in first.runs)
    return f"| {title} | {' | '.join(map(str, spreads.values()))} | {runs} |"


def _counts(rows: LabelledRows) -> dict[int, int]:
    numbers = [label for _, label in rows.test]
    return {label: numbers.count(label) for label in set(numbers)}


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
