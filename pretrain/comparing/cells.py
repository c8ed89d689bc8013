"""Cells of a comparison: one arm, one trial, one seed; each is a run of its own, on shared artefacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from corpora.errors import UsageError
from pretrain.comparing.arms import Arm, arms, loaded, refuse_others, trials
from pretrain.comparing.asked import Choice
from pretrain.finetuning import Finetune
from pretrain.reading.header import Header
from pretrain.recipe import Recipe, load
from pretrain.training.settings import Train


@dataclass(frozen=True)
class Cell:
    """One arm with one trial of the grid and one seed."""

    arm: int
    trial: int
    seed: int
    recipe: Recipe


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how each cell is named and made."""

    name: str  # of the folder of its results
    title: str
    overrides: Sequence[str]  # of all arms
    arms: Sequence[Arm]
    recipes: Sequence[Recipe]  # of each arm, with the recipe's own seed and the first trial
    trials: Sequence[tuple[str, ...]]  # overrides of each
    seeds: Sequence[int]
    seeded: str  # what a seed sets: `seed`, or `score.seeds`
    scored: Mapping[str, Finetune]  # the stages whose scores are compared, of the first arm
    costed: str  # the training stage whose cost is compared; "" where it is that of fine-tuning
    left_out: Sequence[str]  # overrides that leave baselines out
    cells: Sequence[Cell]


def compare(
    reference: str,
    overrides: Sequence[str],
    varied: Sequence[Choice],
    grid: Sequence[Choice],
    seeds: Sequence[int],
) -> Comparison:
    """Lay out all cells, and see that the arms differ in what is varied alone.

    Where all that is varied belongs to fine-tuning, a seed sets the `seeds` of that stage to itself, and all
    cells fine-tune the very same checkpoints. Where it belongs to pre-training, a seed is the recipe's `seed`
    (weights, masks, dropout, and what follows); `data_seed` stays, so that all cells read the same text.

    Raises:
        UsageError: the recipe has no score, or the arms are not what can be compared.
        RecipeError: a value is wrong, of whichever arm.
    """
    _refuse(varied, grid, overrides)
    base = load(reference, overrides)
    scored = _scored(base, [*varied, *grid])
    left_out = _left_out(scored, overrides)
    every = [*overrides, *left_out]
    found, tried = arms(varied, base), trials(grid)
    recipes = loaded(reference, [*every, *tried[0]], found)
    refuse_others(found, recipes, varied)
    if grid:
        _refuse_without_dev(scored)
    tuned = all(choice.stage in scored for choice in [*varied, *grid])
    cells = []
    for seed, (a, arm), (t, trial) in product(seeds, enumerate(found), enumerate(tried)):
        seeding = [f"{stage}.seeds=[{seed}]" for stage in scored] if tuned else [f"seed={seed}"]
        recipe = load(reference, [*every, *trial, *arm.overrides, *seeding])
        cells.append(Cell(a, t, seed, recipe))
    seeded = " ".join(f"{stage}.seeds" for stage in scored) if tuned else "seed"
    keys = " and ".join(choice.key for choice in varied)
    return Comparison(
        name=",".join([base.name, *(f"{one.key}={','.join(one.values)}" for one in [*varied, *grid])]),
        title=f"{base.name.partition(',')[0]}: {keys}",
        overrides=overrides,
        arms=found,
        recipes=recipes,
        trials=tried,
        seeds=seeds,
        seeded=seeded,
        scored=_of_first(recipes[0], scored),
        costed="" if tuned else _trained(base, varied),
        left_out=left_out,
        cells=cells,
    )


def _refuse(varied: Sequence[Choice], grid: Sequence[Choice], overrides: Sequence[str]) -> None:
    """What cannot be varied, whatever the recipe."""
    for choice in [*varied, *grid]:
        if choice.key == "seed" or choice.key.rpartition(".")[2] == "seeds":
            raise UsageError(f"{choice.key} is what --seeds varies: give --seeds 0-4, and --vary another key")
        if choice.key in Header.model_fields.keys() - {"data_seed"}:
            raise UsageError(
                f"--vary {choice.key}: that changes no score; vary a key of a stage, or an input"
            )
    keys = {choice.key for choice in [*varied, *grid]}
    if twice := sorted(keys & {text.partition("=")[0].removeprefix("stages.") for text in overrides}):
        raise UsageError(f"{twice[0]} is given one value and varied as well: leave one of them out")


def _scored(base: Recipe, choices: Sequence[Choice]) -> dict[str, Finetune]:
    """The stages whose scores tell the arms apart: those that are varied, or else all that score.

    Raises:
        UsageError: there is none.
    """
    scores = {name: one for name, one in base.stages.items() if isinstance(one, Finetune)}
    if not scores:
        raise UsageError(
            f"{base.name} has no stage of kind finetune, and arms are compared by their scores: add one to "
            "the recipe, such as `score: {kind: finetune, data: {path: rows.tsv}}`"
        )
    if all(choice.stage in scores for choice in choices):
        return {name: one for name, one in scores.items() if name in {choice.stage for choice in choices}}
    return scores


def _refuse_without_dev(scored: Mapping[str, Finetune]) -> None:
    """A trial that is chosen by test rows would flatter its arm."""
    for name, one in scored.items():
        if not one.data.dev:
            raise UsageError(
                f"--grid chooses settings by dev rows, and {name} has none: take some of the rows to learn "
                f"from, as in {name}.data.dev=0.1, or leave --grid out"
            )


def _left_out(scored: Mapping[str, Finetune], overrides: Sequence[str]) -> list[str]:
    """Baselines that would be the same in every cell; one that is asked for on the command line stays."""
    given = {text.partition("=")[0].removeprefix("stages.") for text in overrides}
    mine = [f"{name}.beside" for name, one in scored.items() if one.beside]
    return [f"{key}=[]" for key in mine if key not in given]


def _of_first(recipe: Recipe, scored: Mapping[str, Finetune]) -> dict[str, Finetune]:
    return {name: one for name, one in recipe.stages.items() if name in scored and isinstance(one, Finetune)}


def _trained(base: Recipe, varied: Sequence[Choice]) -> str:
    """The training stage that is varied, or else the last one."""
    stages = [name for name, one in base.stages.items() if isinstance(one, Train)]
    return next(
        (name for name in stages if name in {choice.stage for choice in varied}), (stages or [""])[-1]
    )
