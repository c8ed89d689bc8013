"""Stage `train`: token sequences in, checkpoints out, through one engine on any number of processes.

Everything a step depends on is a function of the step's number, or stands in the last checkpoint. A run that
was killed and started again therefore ends in the same bytes as one that was left alone.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from corpora.artefact import Artefact, Draft
from corpora.reporter import Reporter
from corpora.stage import JSON, Report
from pretrain import asides
from pretrain.adversarial.health import is_adversarial
from pretrain.card import phase
from pretrain.engine.deepspeed import Ranks
from pretrain.launch.watch import watched
from pretrain.networks.weights import load
from pretrain.training import bundle, checkpoints
from pretrain.training.equipment import begin, fit, open_engine, wrapped
from pretrain.training.head_warmup import Row
from pretrain.training.material import open_held_out, open_loader
from pretrain.training.saving import Saver
from pretrain.training.session import Session, rows_of
from pretrain.training.settings import Speed, Train

__all__ = ["Speed", "Train", "train"]


def train(config: Train, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter) -> Report:
    """Train for `config.steps` steps, going on from the newest checkpoint in `out`.

    Raises:
        Interrupted: a signal came; the state of the last finished step is saved.
        Diverged: loss or gradient was not finite `config.patience` times in a row.
        BadData: nothing was to be predicted `config.patience` steps in a row.
        UsageError: settings, data and checkpoint do not fit each other.
    """
    ranks = Ranks.join(timedelta(minutes=config.speed.timeout_minutes))
    config.refuse_more_than_rows(ranks.world)
    with watched(ranks.number, ranks.world, str(ranks.device)):
        return _train(config, inputs, ranks, out, reporter)


def _train(
    config: Train, inputs: Mapping[str, Artefact], ranks: Ranks, out: Draft, reporter: Reporter
) -> Report:
    """The part of one rank."""
    saved = checkpoints.newest(out, ranks)
    loader, held_out = open_loader(config, inputs, "train"), open_held_out(config, inputs)
    first_lines = list[Row]()
    if saved:
        network = wrapped(config, load(saved.folder))
    else:
        network, first_lines = begin(config, inputs, ranks, loader, held_out, reporter)
    engine = open_engine(config, ranks, network, loader.tokens, saved)
    fitting = fit(config, engine, loader, saved)
    beside = config.speed.async_save
    saver = Saver(out, ranks, ranks.device.type == "cuda" if beside is None else beside)
    session = Session(config, engine, loader, held_out, inputs, saver, fitting, reporter)
    session.log += [json.dumps(row) + "\n" for row in first_lines]
    if ranks.number == 0:
        asides.note(config, out, reporter)
    if saved:
        session.go_on(saved)
    elif config.start:
        _fork(session, checkpoints.folder(inputs["start"], config.start_step))
    session.run()
    if ranks.number == 0:
        bundle.clear(out)
        out.discard(asides.PART)
        with out.write("log.jsonl") as file:
            file.write("".join(session.log).encode())
        out.write_json("deepspeed.json", engine.config)
    return _report(config, inputs, session, _lineage(config, inputs))


def _fork(session: Session, folder: Path) -> None:
    """Take over what is asked for of the step in `folder`, beside its weights."""
    if session.config.start_optimizer:
        session.engine.load(folder)
    if session.config.start_progress:
        session.fork(checkpoints.read(folder).progress)


def _lineage(config: Train, inputs: Mapping[str, Artefact]) -> dict[str, JSON]:
    """Which step of which stage this one started from, and what it took over beside weights."""
    if config.start is None:
        return {}
    return {
        "checkpoint": inputs["start"].fingerprint,
        "step": checkpoints.chosen(inputs["start"], config.start_step),
        "optimizer": config.start_optimizer,
        "progress": config.start_progress,
    }


def _report(
    config: Train, inputs: Mapping[str, Artefact], session: Session, lineage: Mapping[str, JSON]
) -> Report:
    """First and last figures of the log, those on held-out rows and over all steps, and the steps kept."""
    means, held_out = rows_of(session.log, "loss"), rows_of(session.log, "held_out_mlm")
    progress, scaling = session.progress, session.engine.scaling
    overflows = scaling.overflows if scaling else 0
    facts: dict[str, JSON] = {
        "steps": progress.step,
        "skipped": progress.step - progress.updates - overflows,
        "overflows": overflows,
        "checkpoints": session.kept(),
        "start": dict(lineage),
        "parameters": session.engine.network.model.num_parameters(),
        "first": means[0] if means else {},
        "last": means[-1] if means else {},
        "held_out": held_out[-1] if held_out else {},
        "head_warmup": rows_of(session.log, "head_warmup_step")[-1:],
        "masking": progress.masks.realised(),
        **_adversarial(session.log),
        "phases": _phases(config, inputs, session),
        "speed": {
            "processes": session.engine.ranks.world,
            "micro_batch": session.engine.rows,
            "precision": config.speed.precision,
        },
    }
    summary = f"{progress.step:,} steps{' against an adversary' if 'adversarial' in facts else ''}"
    if means:
        summary += f", loss {means[0]['loss']:.3f} -> {means[-1]['loss']:.3f}"
    if held_out:
        last = held_out[-1]
        summary += f"; held-out rows: {last['held_out_mlm_accuracy']:.1%} of masked tokens right"
        summary += f" (the most frequent token would be: {last['held_out_unigram_accuracy']:.1%}"
        summary += f"; repeating what stands there: {last['held_out_copy_accuracy']:.1%})"
    return Report(summary, facts)


def _adversarial(log: Sequence[str]) -> dict[str, JSON]:
    """How many steps were adversarial, and what the perturbations did; nothing of a run without any."""
    rows, examined = rows_of(log, "adversarial_steps"), rows_of(log, "kl_delta")
    if not rows:
        return {}
    told: dict[str, JSON] = {
        "steps": sum(row["adversarial_steps"] for row in rows),
        "dropped_micro_batches": sum(row["dropped_micro_batches"] for row in rows),
        "examined": len(examined),
        "no_better_than_chance": sum(not is_adversarial(row) for row in examined),
        "last": examined[-1] if examined else {},
    }
    return {"adversarial": told}


def _phases(config: Train, inputs: Mapping[str, Artefact], session: Session) -> list[JSON]:
    """What the model card tells of this stage, behind what it tells of those that it started from."""
    before = inputs["start"].facts.get("phases", []) if "start" in inputs else []
    base = config.from_pretrained if config.from_pretrained and not config.from_pretrained.folder() else None
    this = phase(config.model_dump(mode="json"), inputs["data"].facts, base.path if base else None)
    return [*before, this | {"tokens": sum(int(row["real_tokens"]) for row in rows_of(session.log, "loss"))}]
