"""What a person reads of a comparison: a summary line, a table, all figures as JSON, every answer as TSV."""

from collections import Counter
from collections.abc import Sequence

from corpora.labelled import LabelledRows
from corpora.stage import JSON
from pretrain.finetuning.metrics import Spread
from pretrain.finetuning.runs import TITLES, Arm, Run
from pretrain.finetuning.tasks import Task

Arms = dict[Arm, dict[str, Spread]]
"""Every measure of every arm over its runs."""


def by_arm(runs: Sequence[Run]) -> Arms:
    """Spread of each measure over the seeds of each arm, arms in the order of `runs`."""
    arms = {run.arm: [other for other in runs if other.arm == run.arm] for run in runs}
    return {
        arm: {name: Spread.of([run.test[name] for run in of_arm]) for name in of_arm[0].test}
        for arm, of_arm in arms.items()
    }


def differences(arms: Arms) -> Arms:
    """How much the pre-trained arm has more than each other one, seed by seed."""
    own = arms["pretrained"]
    others = {arm: spreads for arm, spreads in arms.items() if arm != "pretrained"}
    return {
        arm: {name: own[name].minus(spread) for name, spread in spreads.items()}
        for arm, spreads in others.items()
    }


def summary(arms: Arms, apart: Arms, measure: str, rows: int) -> str:
    """One line: `accuracy 0.812 ± 0.004 (3 seeds) | random init 0.790 ± 0.006 | 2,987 held-out rows`."""
    first = arms["pretrained"][measure]
    seeds = f"{len(first.runs)} seed{'s' if len(first.runs) > 1 else ''}"
    others = [f"{TITLES[arm]} {arms[arm][measure]}" for arm in apart]
    if "start" in apart:
        others[0] += f", {apart['start'][measure].signed} by training on"
    return " | ".join([f"{measure} {first} ({seeds})", *others, f"{rows:,} held-out rows"])


def as_json(arms: Arms) -> dict[str, JSON]:
    """The figures of `by_arm` or `differences`, unrounded."""
    return {
        arm: {name: {"mean": s.mean, "std": s.std, "runs": list(s.runs)} for name, s in spreads.items()}
        for arm, spreads in arms.items()
    }


def table(arms: Arms, apart: Arms, rows: LabelledRows, saved: Run, task: Task) -> str:
    """A Markdown page: the scores, how far they are apart, what was learnt from, how to load the result."""
    names, details = _columns(arms["pretrained"])
    lines = [
        "# Fine-tuned scores on held-out rows",
        "",
        f"| | {' | '.join(names)} | {names[0]} of each seed |",
        "|---" * (len(names) + 2) + "|",
        *(_line(TITLES[arm], _main(spreads)) for arm, spreads in arms.items()),
        "",
        f"Mean ± sample standard deviation over seeds.{_guess(rows)}",
        f"Learnt from {len(rows.train):,} rows, chosen by {len(rows.dev):,}, scored on {len(rows.test):,}.",
        *([f"Labels: {', '.join(rows.labels)}."] if rows.labels else ()),
        "",
        *(_details(arms, details) if details else ()),
        *(_apart({arm: _main(spreads) for arm, spreads in apart.items()}) if apart else ()),
        f"`model/` holds {TITLES[saved.arm]}, seed {saved.seed}, epoch {saved.chosen + 1}:",
        "",
        f"    {task.opened_by}",
    ]
    return "\n".join(lines) + "\n"


def predictions(runs: Sequence[Run], rows: LabelledRows, task: Task) -> str:
    """Tab-separated: right answer, that of every run, the texts (their own tabs and backslashes escaped)."""
    pairs = any(row.second is not None for row in rows.test)
    header = ["label", *(run.name for run in runs), "text", *(["second"] if pairs else [])]
    body = [
        [
            *(
                task.shown(answer, row, rows.labels)
                for answer in (truth, *(run.answers[place] for run in runs))
            ),
            row.text,
            *([row.second or ""] if pairs else []),
        ]
        for place, (row, truth) in enumerate(zip(rows.test, task.truth(rows.test), strict=True))
    ]
    return "".join("\t".join(map(_escape, line)) + "\n" for line in [header, *body])


def under_attack(runs: Sequence[Run]) -> JSON:
    """Arm -> attack -> accuracy over seeds, the clean one of the same rows, cost in queries a row."""
    arms = {run.arm: [other for other in runs if other.arm == run.arm] for run in runs if run.attacked}
    return {arm: {name: _stood(of_arm, name) for name in of_arm[0].attacked} for arm, of_arm in arms.items()}


def robustness(runs: Sequence[Run]) -> str:
    """The same as a Markdown section; "" where nothing was attacked."""
    lines = [
        f"| {TITLES[run.arm]} | {name} | {_spread(runs, run.arm, name, 'accuracy')} "
        f"| {_spread(runs, run.arm, name, 'clean')} | {_spread(runs, run.arm, name, 'changed').mean:.0%} "
        f"of {one.rows:,} rows | {_spread(runs, run.arm, name, 'queries').mean:,.1f} |"
        for run in {run.arm: run for run in reversed(runs)}.values()
        for name, one in run.attacked.items()
    ]
    head = ["| | attack | accuracy under attack | without | changed | queries a row |", "|---" * 6 + "|"]
    return "\n".join(["", "## Under attack", "", *head, *lines]) + "\n" if lines else ""


def _stood(runs: Sequence[Run], name: str) -> JSON:
    """One attack on the runs of one arm."""
    arm = runs[0].arm
    spread = _spread(runs, arm, name, "accuracy")
    means = {key: _spread(runs, arm, name, key).mean for key in ("clean", "changed", "queries")}
    return {"mean": spread.mean, "std": spread.std, "runs": list(spread.runs), **means}


def _spread(runs: Sequence[Run], arm: Arm, name: str, key: str) -> Spread:
    """One figure of an attack over the seeds of an arm."""
    return Spread.of([getattr(run.attacked[name], key) for run in runs if run.arm == arm])


def _apart(apart: Arms) -> list[str]:
    """The differences, and whether the seeds can tell them from nothing."""
    names = list(next(iter(apart.values())))
    return [
        f"| pre-trained less | {' | '.join(names)} | {names[0]} of each seed | 95 % interval | |",
        "|---" * (len(names) + 4) + "|",
        *(_difference(TITLES[arm], spreads) for arm, spreads in apart.items()),
        "",
        "Seed by seed: runs of one seed share classifier, order of rows and dropout. The interval is over",
        "seeds (Student's t); other test rows would move all arms together, and the difference a little.",
        "",
    ]


def _difference(title: str, spreads: dict[str, Spread]) -> str:
    first = next(iter(spreads.values()))
    figures = " | ".join(spread.signed for spread in spreads.values())
    runs = " ".join(f"{value:+.3f}" for value in first.runs)
    if (bounds := first.interval()) is None:
        return f"| {title} | {figures} | {runs} | | one seed tells nothing of chance |"
    low, high = bounds
    verdict = "better" if low > 0 else "worse" if high < 0 else f"not told apart by {len(first.runs)} seeds"
    return f"| {title} | {figures} | {runs} | {low:+.3f} to {high:+.3f} | {verdict} |"


def _line(title: str, spreads: dict[str, Spread]) -> str:
    first = next(iter(spreads.values()))
    runs = " ".join(f"{value:.3f}" for value in first.runs)
    return f"| {title} | {' | '.join(map(str, spreads.values()))} | {runs} |"


def _columns(spreads: dict[str, Spread]) -> tuple[list[str], list[str]]:
    """Names of the measures, and of details such as `f1/PER`."""
    return [name for name in spreads if "/" not in name], [name for name in spreads if "/" in name]


def _main(spreads: dict[str, Spread]) -> dict[str, Spread]:
    return {name: spreads[name] for name in _columns(spreads)[0]}


def _details(arms: Arms, names: Sequence[str]) -> list[str]:
    """A table of the details, a line each."""
    return [
        f"| | {' | '.join(TITLES[arm] for arm in arms)} |",
        "|---" * (len(arms) + 1) + "|",
        *(
            f"| {name} | {' | '.join(str(spreads.get(name, '')) for spreads in arms.values())} |"
            for name in names
        ),
        "",
    ]


def _guess(rows: LabelledRows) -> str:
    """What knowing nothing would be worth."""
    if rows.kind != "classes":
        return ""
    share = max(Counter(row.label for row in rows.test).values()) / len(rows.test)
    return f" Always the most frequent class: accuracy {share:.3f}."


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
