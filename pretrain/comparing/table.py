"""The table of a comparison: what stands in it, and as Markdown, LaTeX and CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pretrain.comparing.lines import FEW, Apart, Line, Scores
from pretrain.comparing.results import CLEAN, QUERIES, UNDER

LATEX = {
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"±": r"$\pm$", "<": r"$<$", ">": r"$>$", "|": r"$|$", "×": r"$\times$"},
}
"""Letters that LaTeX reads as something else."""


@dataclass(frozen=True)
class Table:
    """Arms and figures as words, and what has to be said with them."""

    title: str
    measure: str  # the one by which arms are told apart, here times 100
    seeds: Sequence[int]
    arms: Sequence[str]  # labels by number
    trials: Sequence[str]  # settings by number
    lines: Sequence[Line]
    published: Sequence[str]  # beside each line, "" where there is nothing comparable
    notes: Sequence[str]

    def markdown(self) -> str:
        """A page: the table, the other measures, the notes."""
        rows = [self._cells(line, beside) for line, beside in zip(self.lines, self.published, strict=True)]
        seeds = [self._seeds(line) for line in self.lines]
        headings, body = _without_empty(
            [*self._headings(), "seeds"], [[*r, s] for r, s in zip(rows, seeds, strict=True)]
        )
        parts = [f"# {self.title}", "", *_grid(headings, body), ""]
        if others := self.others():
            headings = ["arm", *others]
            body = [
                [self.arms[line.arm], *(_mean(line.scores.get(name)) for name in others)]
                for line in self.lines
            ]
            parts += ["Other measures:", "", *_grid(headings, body), ""]
        if stood := list(self._stood()):
            headings = ["arm", "attack", "under attack", "same rows without", "queries a row"]
            parts += ["Accuracy under attack:", "", *_grid(headings, stood), ""]
        return "\n".join([*parts, *(f"* {note}" for note in self.notes)]) + "\n"

    def latex(self) -> str:
        r"""A `table` for a paper; wants `\usepackage{booktabs}`, and Chinese labels want xeCJK or ctex."""
        rows = [self._cells(line, beside) for line, beside in zip(self.lines, self.published, strict=True)]
        headings, body = _without_empty(self._headings(), rows)
        comments = [f"% {self.arms[line.arm]}: {self._seeds(line)}" for line in self.lines]
        return "\n".join(
            [
                r"% \usepackage{booktabs}",
                f"% {self.measure} x 100 of the seeds {' '.join(map(str, self.seeds))}:",
                *(comment.replace("\n", " ") for comment in comments),
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{escaped(self.title)}: {escaped(self.measure)} $\times$ 100.}}",
                rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}",
                r"\toprule",
                " & ".join(map(escaped, headings)) + r" \\",
                r"\midrule",
                *(" & ".join(map(escaped, row)) + r" \\" for row in body),
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    def csv(self) -> str:
        """A line for each arm and measure, unrounded and not times 100: for programs."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = ["mean", "std", "median", "diverged", "difference", "low", "high", "pairs"]
        costs = ["passes_per_step", "seconds_per_step"]
        seeds = [f"seed {seed}" for seed in self.seeds]
        writer.writerow(["arm", "settings", "measure", *names, *costs, "published", *seeds])
        for line, beside in zip(self.lines, self.published, strict=True):
            for name, scores in line.scores.items() or [(self.measure, Scores({}))]:
                said = beside if name == self.measure else ""
                cost = [line.passes, line.seconds]
                own = [scores.runs.get(seed) for seed in self.seeds]
                row = [self.arms[line.arm], self.trials[line.trial], name, *_figures(scores, line.diverged)]
                writer.writerow(["" if cell is None else cell for cell in [*row, *cost, said, *own]])
        return out.getvalue()

    def attacks(self) -> list[str]:
        """Measures under attack, in the order of the settings."""
        return [name for name in self._names() if name.startswith(UNDER)]

    def _stood(self) -> Iterator[list[str]]:
        """Each attack on each arm, beside the accuracy on the same rows as they are."""
        for name in (name.removeprefix(UNDER) for name in self.attacks()):
            for line in self.lines:
                if queries := line.scores.get(f"{QUERIES}{name}"):
                    both = [_mean(line.scores.get(f"{kind}{name}")) for kind in (UNDER, CLEAN)]
                    yield [self.arms[line.arm], name, *both, f"{queries.mean:.1f}"]

    def others(self) -> list[str]:
        """Measures that are not in the table itself; details of a measure (`f1/PER`) are in the CSV alone."""
        return [n for n in self._names() if n != self.measure and not n.startswith(UNDER) and "/" not in n]

    def _names(self) -> list[str]:
        return list(dict.fromkeys(name for line in self.lines for name in line.scores))

    def _headings(self) -> list[str]:
        middle = ["median", "difference", "95 % interval", *self.attacks()]
        return ["arm", "settings", self.measure, *middle, "cost", "diverged", "published"]

    def _cells(self, line: Line, beside: str) -> list[str]:
        own = line.scores.get(self.measure)
        apart = own.apart if own else None
        return [
            self.arms[line.arm],
            self.trials[line.trial],
            _mean(own),
            _times100(own.median if own else None),
            f"{100 * apart.mean:+.2f}" if apart else "",
            _interval(apart),
            *(_mean(line.scores.get(name)) for name in self.attacks()),
            self._cost(line),
            f"{line.diverged} of {line.diverged + len(own.runs if own else ())}" if line.diverged else "",
            beside,
        ]

    def _cost(self, line: Line) -> str:
        """Times the first arm: passes of an update, which are counted, and time, which is measured."""
        first = self.lines[0]
        parts = []
        if line.passes and first.passes:
            parts.append(f"{line.passes / first.passes:.2f}x passes")
        if line.seconds and first.seconds:
            parts.append(f"{line.seconds / first.seconds:.2f}x time")
        return ", ".join(parts)

    def _seeds(self, line: Line) -> str:
        runs = line.scores[self.measure].runs if self.measure in line.scores else {}
        return " ".join(_times100(runs.get(seed)) or "-" for seed in self.seeds)


def warnings(lines: Sequence[Line], measure: str, seeds: Sequence[int]) -> list[str]:
    """What has to be known of these figures before they are believed."""
    number = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    said = [
        f"Mean and sample standard deviation of {measure} x 100 over {number}.",
        "The difference is to the first arm, seed by seed; the interval is a bootstrap over these pairs "
        "(percentiles of 10,000 resamples, fixed draws). It tells of seeds alone: other test rows would move "
        "all arms together, and the differences a little.",
    ]
    pairs = [line.scores[measure].apart for line in lines[1:] if measure in line.scores]
    if any(apart and apart.pairs < FEW for apart in pairs):
        said.append(f"Fewer than {FEW} pairs: such an interval is too narrow; more seeds can be added.")
    if lost := sum(line.diverged for line in lines):
        said.append(
            f"Diverged: {lost} (`-` among the seeds). Means leave them out, and so flatter their arm."
        )
    return said


def escaped(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> escaped("whole_word: 50 %")
    'whole\\_word: 50 \\%'
    """
    return "".join(LATEX.get(letter, letter) for letter in text)


def _figures(scores: Scores, diverged: int) -> list[float | int | None]:
    if not scores.runs:
        return [None, None, None, diverged, None, None, None, None]
    apart = scores.apart
    far = [apart.mean, apart.low, apart.high, apart.pairs] if apart else [None] * 4
    return [scores.mean, scores.std, scores.median, diverged, *far]


def _mean(scores: Scores | None) -> str:
    if scores is None or not scores.runs:
        return ""
    return _times100(scores.mean) + (f" ± {100 * scores.std:.2f}" if scores.std is not None else "")


def _times100(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _interval(apart: Apart | None) -> str:
    if apart is None or apart.pairs < 2:
        return ""
    return f"{100 * apart.low:+.2f} to {100 * apart.high:+.2f}"


def _without_empty(
    headings: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Columns in which nothing stands are left out."""
    kept = [place for place in range(len(headings)) if any(row[place] for row in rows)]
    return [headings[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines]
