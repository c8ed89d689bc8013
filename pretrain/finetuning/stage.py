"""The `finetune` stage: every arm with every seed, a part each, then the scores and the best model."""

import shutil
from collections.abc import Mapping, Sequence

from corpora.artefact import Artefact, Draft
from corpora.reporter import Reporter
from corpora.stage import Report
from pretrain.finetuning import heads, scores
from pretrain.finetuning.attacks import Resources
from pretrain.finetuning.loop import best_of
from pretrain.finetuning.material import Material, prepare
from pretrain.finetuning.released import Taught
from pretrain.finetuning.robustness import Attacker, attackers, remarks
from pretrain.finetuning.runs import Cell, Run, cells, tfidf_run, train_run
from pretrain.finetuning.settings import Finetune


def finetune(config: Finetune, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Score the checkpoint `inputs["model"]`, or the one that `config` names.

    Parts: `runs/*.json`, `scores.json`, `differences.json`, `table.md`, `predictions.tsv`, and `model/`: the
    pre-trained run that did best on the dev rows, a folder for `transformers` and `maskwright predict`.
    """
    material = prepare(config, inputs.get("model"), reporter)
    resources = Resources(material.model.tokenizer, inputs.get("lexicon"))
    ready = attackers(config.attacks, resources)
    reporter.rewind(-1)  # a kill may have come between what was told of a run and the run itself
    for run in finished(config, out):
        tell(run, out, reporter)
    for cell in cells(config):
        if not out.has(cell.part):
            make_run(cell, config, material, ready, out, reporter)
    return publish(config, material, out)


def make_run(
    cell: Cell,
    config: Finetune,
    material: Material,
    ready: Sequence[Attacker],
    out: Draft,
    reporter: Reporter,
) -> None:
    """Make one run. Of the pre-trained ones, only the best so far keeps its weights."""
    if cell.seed is None:
        run = tfidf_run(config, material)
    else:
        run, network = train_run(cell, cell.seed, config, material, ready, out, reporter)
        if cell.arm == "pretrained":
            with out.fill(cell.weights) as folder:
                heads.save(network, material.model.tokenizer, folder)
                Taught.by(config).save(folder)
    tell(run, out, reporter)
    remark(run, config, reporter)
    out.write_json(cell.part, run.model_dump(mode="json"))
    best = best_run(finished(config, out), config)
    for part in out.parts("weights-"):
        if part != best.weights:
            out.discard(part)


def tell(run: Run, out: Draft, reporter: Reporter) -> None:
    """Metrics of every epoch, and what they cost."""
    for epoch, loss in enumerate(run.losses):
        dev = {f"dev_{name}": value for name, value in run.dev[epoch].items()} if run.dev else {}
        reporter.metrics({"run": run.name, "epoch": epoch + 1, "loss": loss, **dev})
    if out.has(run.clock):
        reporter.metrics({"run": run.name, **out.read_json(run.clock)})


def remark(run: Run, config: Finetune, reporter: Reporter) -> None:
    """A line for a person where steps were lost, or nothing was learnt."""
    if run.skipped:
        reporter.say(f"{run.name}: {run.skipped} steps had no finite loss or gradient and were not applied")
    for line in remarks(run.attacked):
        reporter.say(f"{run.name}: {line}")
    if run.constant:
        weaker = ", or a weaker adversary (a smaller epsilon)" if config.adversarial else ""
        reporter.say(
            f"{run.name} gives every row the same answer, and has learnt nothing: more epochs, or another "
            f"lr{weaker}"
        )


def finished(config: Finetune, out: Draft) -> list[Run]:
    """The runs made so far, in the order of `cells`."""
    return [Run.model_validate(out.read_json(cell.part)) for cell in cells(config) if out.has(cell.part)]


def best_run(runs: list[Run], config: Finetune) -> Run:
    """The pre-trained run that did best on the dev rows; the first of equals, and where there are none."""
    own = [run for run in runs if run.arm == "pretrained"]
    return own[best_of([run.dev[run.chosen] for run in own], config.task)] if own[0].dev else own[0]


def publish(config: Finetune, material: Material, out: Draft) -> Report:
    """Write the scores and move the best model to its place."""
    runs = finished(config, out)
    best, spreads, rows = best_run(runs, config), scores.by_arm(runs), material.rows
    apart = scores.differences(spreads)
    under = scores.under_attack(runs)
    if not out.has("model"):
        with out.fill("model") as folder:
            shutil.copytree(out.path / best.weights, folder)
    out.discard(best.weights)
    out.write_json("scores.json", scores.as_json(spreads))
    out.write_json("differences.json", scores.as_json(apart))
    for part, text in {
        "table.md": scores.table(spreads, apart, rows, best, config.task) + scores.robustness(runs),
        "predictions.tsv": scores.predictions(runs, rows, config.task),
    }.items():
        with out.write(part) as file:
            file.write(text.encode())
    out.discard(*out.parts("clock-"))
    facts = {
        "scores": scores.as_json(spreads),
        "differences": scores.as_json(apart),
        **({"under_attack": under} if under else {}),
        "rows": dict(rows.counts),
        "saved": best.name,
    }
    return Report(scores.summary(spreads, apart, config.task.chooses_by, len(rows.test)), facts)
