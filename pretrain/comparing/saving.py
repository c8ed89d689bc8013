"""Tables, plot and references of a comparison, written into its folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from corpora import disk
from pretrain import notes
from pretrain.comparing import published
from pretrain.comparing.cells import Comparison
from pretrain.comparing.lines import Line, lines
from pretrain.comparing.plot import plot
from pretrain.comparing.references import bibliography
from pretrain.comparing.results import Outcome
from pretrain.comparing.table import Table, warnings
from pretrain.finetuning import Finetune


def tabled(comparison: Comparison, stage: str, outcomes: Sequence[Outcome]) -> Table:
    """The table of one stage that scores."""
    measure = comparison.scored[stage].task.chooses_by
    found = lines(outcomes, len(comparison.arms), len(comparison.trials))
    beside = [_published(comparison, stage, line) for line in found]
    return Table(
        title=comparison.title if len(comparison.scored) == 1 else f"{comparison.title}: {stage}",
        measure=measure,
        seeds=comparison.seeds,
        arms=[arm.label for arm in comparison.arms],
        trials=[" ".join(trial) for trial in comparison.trials],
        lines=found,
        published=[f"{one.value:g}" if one else "" for one in beside],
        notes=[
            *warnings(found, measure, comparison.seeds),
            *(_learnt_nothing(comparison.arms[line.arm].label, line) for line in found if line.constant),
            *_notes(comparison, outcomes, beside),
        ],
    )


def save(comparison: Comparison, tables: Sequence[tuple[str, Table]], folder: Path) -> list[Path]:
    """Write all files anew; their paths."""
    with disk.writing(folder):
        disk.make_folder(folder)
    texts = dict(_files(comparison, tables))
    for name, text in texts.items():
        notes.write(folder / name, text)
    return [folder / name for name in texts]


def _files(comparison: Comparison, tables: Sequence[tuple[str, Table]]) -> Iterator[tuple[str, str]]:
    for stage, table in tables:
        ending = f"-{stage}" if len(tables) > 1 else ""
        yield f"table{ending}.md", table.markdown()
        yield f"table{ending}.tex", table.latex()
        yield f"table{ending}.csv", table.csv()
        yield f"plot{ending}.svg", plot(table)
    yield "references.bib", bibliography(comparison.recipes)


def _learnt_nothing(arm: str, line: Line) -> str:
    """Scores that look like scores, and are those of one answer to everything."""
    return (
        f"{arm}: with {line.constant} seed{'s' if line.constant > 1 else ''} every row got the same answer, "
        "and nothing was learnt: more epochs, another lr, or a weaker adversary (a smaller epsilon)."
    )


def _notes(
    comparison: Comparison, outcomes: Sequence[Outcome], beside: Sequence[published.Figure | None]
) -> Iterator[str]:
    chosen = "each epoch was chosen on dev rows, each score is of test rows"
    if not any(outcome.dev is not None for outcome in outcomes):
        chosen = "there are no dev rows: nothing was chosen, each score is of the last epoch"
    if comparison.overrides:
        yield f"In all arms: `{' '.join(comparison.overrides)}`."
    yield f"Seeds set `{comparison.seeded}`; {chosen}."
    if len(comparison.trials) > 1:
        yield (
            f"Every arm tried the same {len(comparison.trials)} settings with all seeds; `settings` is the "
            "one with the best mean on dev rows."
        )
    what = f"a step of `{comparison.costed}`, by the clock" if comparison.costed else "CPU time of a step"
    yield f"Cost is that of a step, times the first arm's: passes are counted, time is the median of {what}."
    for figure in dict.fromkeys(filter(None, beside)):
        what = f"{figure.network}, {figure.task}, {figure.method or 'plain fine-tuning'}"
        yield f"Published {figure.value:g}: {what}: {figure.said} ({figure.source})."


def _published(comparison: Comparison, stage: str, line: Line) -> published.Figure | None:
    """What a paper reports of the same checkpoint, task and method; nothing where we trained on."""
    recipe = comparison.recipes[line.arm]
    config = recipe.stages.get(stage)
    if not isinstance(config, Finetune):
        return None
    method = config.adversarial.method if config.adversarial else ""
    task = published.task_of(config.data.model_dump(mode="json"))
    return published.find(config.from_pretrained.path, task, method) if config.from_pretrained else None
