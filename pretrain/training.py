"""Stage `train`: token sequences in, checkpoints out, through one engine on any number of processes.

Everything a step depends on is a function of the step's number, or stands in the last checkpoint. A run that
was killed and started again therefore ends in the same bytes as one that was left alone.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.reporter import Reporter
from corpora.stage import JSON, Report
from pretrain import asides, bundle, checkpoints
from pretrain.architectures import HuggingFaceModel
from pretrain.card import phase
from pretrain.engine import Engine, Ranks
from pretrain.engine_config import configuration
from pretrain.evaluation import HeldOut
from pretrain.fitting import Fitting, probe
from pretrain.head_warmup import AT_ONCE, MOST, Heads, Row, warm_up
from pretrain.launch.watch import watched
from pretrain.layout import check_isolation
from pretrain.loading import Loader
from pretrain.loss_scale import LossScale
from pretrain.networks import Network, build, check_fit, check_head
from pretrain.saving import Saver
from pretrain.session import Session, rows_of
from pretrain.speeding import compile_encoder, keep_no_activations
from pretrain.starting import check_vocabulary, few, start_from
from pretrain.train_settings import Speed, Train
from pretrain.vectors import grow, silence
from pretrain.weights import load
from tokenization import sources
from tokenization.lexicon.table import LexiconTable
from tokenization.pretrained import Pretrained
from tokenization.tokens import TokenSet, splits

__all__ = ["Speed", "Train", "train"]

HELD_OUT = "validation"


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
    loader = open_loader(config, inputs, "train")
    held_out, warm = _held_out(config, inputs), list[Row]()
    if saved:
        network = _network(config, load(saved.folder))
    else:
        network, heads = _first_network(config, inputs, loader.tokens, reporter)
        if heads and config.head_warmup != 0:
            measuring = held_out.loader if held_out else loader
            warm = _warm_up(config, network, ranks, loader, measuring, reporter)
    engine = _engine(config, ranks, network, loader.tokens.length, saved)
    fitting = _fitting(config, engine, loader, saved)
    beside = config.speed.async_save
    saver = Saver(out, ranks, ranks.device.type == "cuda" if beside is None else beside)
    session = Session(config, engine, loader, held_out, inputs, saver, fitting, reporter)
    session.log += [json.dumps(row) + "\n" for row in warm]
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


def open_loader(config: Train, inputs: Mapping[str, Artefact], split: str) -> Loader:
    """The batches of a split, and how they are masked."""
    if config.masking.whole_words:
        _refuse_characters(config.masking.strategy, inputs["data"])
    seed, tokens = config.seed or 0, TokenSet.open(inputs["data"], split)
    if "nsp" in config.objectives.active() and not tokens.next_sentences:
        raise UsageError(
            "objective 'nsp' needs rows whose segment B may be of another document, and this token set has "
            "none: encode the text with packing {kind: segment_pairs, random_next: 0.5}, or ask for sop"
        )
    return Loader(
        tokens=tokens,
        masking=config.masking,
        replacement=config.replacement,
        lexicon=LexiconTable.open(inputs["lexicon"]) if "lexicon" in inputs else None,
        seed=seed,
        data_seed=seed if config.data_seed is None else config.data_seed,
        batch=config.batch,
        swap_segments="sop" in config.objectives.active(),
        cross_document=config.cross_document,
    )


def _refuse_characters(strategy: str, data: Artefact) -> None:
    """A recipe's own stages were checked before; a finished token set was made by another recipe."""
    made = data.identity.get("settings", {}) if isinstance(data.identity, Mapping) else {}
    if made.get("segmenter", {}).get("name") == "character":
        raise UsageError(
            f"{strategy} needs words, but {data.path} was encoded with each character for a word; encode "
            "the text with another segmenter, or set masking.strategy to token"
        )


def _held_out(config: Train, inputs: Mapping[str, Artefact]) -> HeldOut | None:
    """The held-out rows, if the token set has any."""
    data = inputs["data"]
    if HELD_OUT not in splits(data) or not len(TokenSet.open(data, HELD_OUT)):
        return None
    loader, unigrams = open_loader(config, inputs, HELD_OUT), np.load(data.file("unigrams.npy"))
    unigrams[list(loader.tokens.special_ids)] = 0  # never to be predicted
    return HeldOut(loader, unigrams, sources.read(data), config.evaluate_rows)


def _first_network(
    config: Train, inputs: Mapping[str, Artefact], tokens: TokenSet, reporter: Reporter
) -> tuple[Network, bool]:
    """A network from scratch, or one with the weights that `from_pretrained` or `start` names.

    And whether its heads may be untrained while the rest is not.
    """
    pairs, seed = config.objectives.ask_for_pairs, config.seed or 0
    if config.model:
        model, missing = build(config.model, tokens.vocabulary_size, tokens.pad_id, pairs, seed), list[str]()
        silence(model, tokens.vocabulary.empty_ids)
    else:
        place = config.from_pretrained or Pretrained(
            path=str(checkpoints.folder(inputs["start"], config.start_step))
        )
        model, missing = start_from(place, pairs, seed)
        extended = check_vocabulary(place, tokens)
        if missing:
            reporter.say(f"{place} lacks {few(missing)}: these start from random weights")
        if grow(model, tokens.vocabulary, extended) and config.start_optimizer:
            raise UsageError(
                f"the token set has more tokens than {place}: its optimizer's moments have no rows for them; "
                "leave start_optimizer out"
            )
    check_fit(model, tokens.vocabulary_size, tokens.length)
    if tokens.joins_documents and not config.cross_document:
        check_isolation(model)
    network = _network(config, model)
    check_head(network)
    return network, config.from_pretrained is not None or bool(missing)


def _network(config: Train, model: HuggingFaceModel) -> Network:
    """A model as the engine runs it."""
    if config.speed.checkpoint_activations:
        keep_no_activations(model)
    return Network(model, config.speed.precision)


def _warm_up(
    config: Train, network: Network, ranks: Ranks, learning: Loader, measuring: Loader, reporter: Reporter
) -> list[Row]:
    micro_batch = min(config.rows_at_once(ranks.world, learning.tokens.length), AT_ONCE)
    heads = Heads(network, config.objectives.active(), ranks, learning, measuring, micro_batch)
    asked, seed = config.head_warmup, config.seed or 0
    if asked == "auto":
        return warm_up(heads, min(MOST, config.steps), choose=True, seed=seed, reporter=reporter)
    return warm_up(heads, asked, choose=False, seed=seed, reporter=reporter)


def _engine(
    config: Train, ranks: Ranks, network: Network, length: int, saved: checkpoints.Saved | None
) -> Engine:
    """The engine, with what `speed` asks for."""
    speed, rows = config.speed, config.rows_at_once(ranks.world, length)
    pin = ranks.device.type == "cuda"
    setup = configuration(speed.zero, rows, config.clip, config.deepspeed, speed.offload, pin)
    known = saved.setup.scaling if saved else None
    scaling = (known or LossScale()) if speed.precision == "fp16" else None
    return Engine(ranks, network, config.optimizer.build(network), setup, config.clip, scaling)


def _fitting(config: Train, engine: Engine, loader: Loader, saved: checkpoints.Saved | None) -> Fitting:
    """The size of micro-batches: as asked; as found before, on as many processes; or as found now."""
    ranks, auto = engine.ranks, config.speed.micro_batch == "auto"
    rows = config.rows_at_once(ranks.world, loader.tokens.length)
    if auto and saved and saved.setup.world == ranks.world:
        rows = saved.setup.rows
    elif auto and ranks.device.type == "cuda":
        rows = probe(engine, loader, config.objectives.active(), -(-config.batch // ranks.world))
    if config.speed.compile:  # after the trials: each of their sizes would be compiled
        compile_encoder(engine.network.model)
    return Fitting(engine, loader, rows, auto)


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
        "phases": _phases(config, inputs, session),
        "speed": {
            "processes": session.engine.ranks.world,
            "micro_batch": session.engine.rows,
            "precision": config.speed.precision,
        },
    }
    summary = f"{progress.step:,} steps"
    if means:
        summary += f", loss {means[0]['loss']:.3f} -> {means[-1]['loss']:.3f}"
    if held_out:
        last = held_out[-1]
        summary += f"; held-out rows: {last['held_out_mlm_accuracy']:.1%} of masked tokens right"
        summary += f" (the most frequent token would be: {last['held_out_unigram_accuracy']:.1%}"
        summary += f"; repeating what stands there: {last['held_out_copy_accuracy']:.1%})"
    return Report(summary, facts)


def _phases(config: Train, inputs: Mapping[str, Artefact], session: Session) -> list[JSON]:
    """What the model card tells of this stage, behind what it tells of those that it started from."""
    before = inputs["start"].facts.get("phases", []) if "start" in inputs else []
    base = config.from_pretrained if config.from_pretrained and not config.from_pretrained.folder() else None
    this = phase(config.model_dump(mode="json"), inputs["data"].facts, base.path if base else None)
    return [*before, this | {"tokens": sum(int(row["real_tokens"]) for row in rows_of(session.log, "loss"))}]
