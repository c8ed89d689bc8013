"""Stage `train`: token sequences in, checkpoints out, through one engine on any number of processes.

Everything a step depends on is a function of the step's number, or stands in the last checkpoint. A run that
was killed and started again therefore ends in the same bytes as one that was left alone.
"""

from collections.abc import Mapping

import numpy as np

from corpora.artefact import Artefact, Draft
from corpora.errors import UsageError
from corpora.reporter import Reporter
from corpora.stage import JSON, Report
from pretrain import checkpoints
from pretrain.engine import Engine, Ranks
from pretrain.engine_config import configuration
from pretrain.launch.watch import watched
from pretrain.loading import Loader
from pretrain.networks import HuggingFaceModel, Network, build, check_fit
from pretrain.session import HeldOut, Session, rows_of
from pretrain.train_settings import Speed, Train
from pretrain.vectors import grow, silence
from pretrain.weights import check_vocabulary, load, start_from
from tokenization.lexicon.table import LexiconTable
from tokenization.pretrained import Pretrained
from tokenization.tokens import TokenSet

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
    ranks = Ranks.join()
    config.refuse_more_than_rows(ranks.world)
    with watched(ranks.number, ranks.world, str(ranks.device)):
        return _train(config, inputs, out, reporter, ranks)


def _train(
    config: Train, inputs: Mapping[str, Artefact], out: Draft, reporter: Reporter, ranks: Ranks
) -> Report:
    saved = checkpoints.newest(out, ranks)
    loader = open_loader(config, inputs, "train")
    model = load(saved.folder) if saved else _first_model(config, inputs, loader.tokens, reporter)
    check_fit(model, loader.tokens.vocabulary_size, loader.tokens.length)
    engine = _engine(config, ranks, model)
    held_out = _held_out(config, inputs, ranks, reporter)
    session = Session(config, engine, loader, held_out, out, reporter)
    if saved:
        session.go_on(saved)
    elif config.start_optimizer:
        engine.load(checkpoints.folder(inputs["start"], config.start_step))
    session.run()
    if ranks.number == 0:
        with out.write("log.jsonl") as file:
            file.write("".join(session.log).encode())
        out.write_json("deepspeed.json", engine.config)
    return _report(config, session)


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
    )


def _refuse_characters(strategy: str, data: Artefact) -> None:
    """A recipe's own stages were checked before; a finished token set was made by another recipe."""
    made = data.identity.get("settings", {}) if isinstance(data.identity, Mapping) else {}
    if made.get("segmenter", {}).get("name") == "character":
        raise UsageError(
            f"{strategy} needs words, but {data.path} was encoded with each character for a word; encode "
            "the text with another segmenter, or set masking.strategy to token"
        )


def _held_out(
    config: Train, inputs: Mapping[str, Artefact], ranks: Ranks, reporter: Reporter
) -> HeldOut | None:
    """The held-out rows, if the token set has any, and one for each rank at least."""
    data = inputs["data"]
    if not data.names(f"{HELD_OUT}-"):
        return None
    rows = min(config.evaluate_rows, len(TokenSet.open(data, HELD_OUT)))
    if rows < ranks.world:
        if ranks.number == 0:
            reporter.say(
                f"nothing will be measured on held-out rows: there are {rows} to measure on, "
                f"and each of {ranks.world} processes needs one"
            )
        return None
    loader, unigrams = open_loader(config, inputs, HELD_OUT), np.load(data.file("unigrams.npy"))
    unigrams[list(loader.tokens.special_ids)] = 0  # never to be predicted
    return HeldOut(loader, unigrams)


def _first_model(
    config: Train, inputs: Mapping[str, Artefact], tokens: TokenSet, reporter: Reporter
) -> HuggingFaceModel:
    """A network from scratch, or one with the weights that `from_pretrained` or `start` names."""
    pairs, seed = config.objectives.ask_for_pairs, config.seed or 0
    if config.model:
        model = build(config.model, tokens.vocabulary_size, tokens.pad_id, pairs, seed)
        silence(model, tokens.vocabulary.empty_ids)
        return model
    place = config.from_pretrained or Pretrained(
        path=str(checkpoints.folder(inputs["start"], config.start_step))
    )
    model, missing = start_from(place, pairs, seed)
    extended = check_vocabulary(place, tokens)
    if missing:
        reporter.say(f"{place} lacks {', '.join(missing)}: these start from random weights")
    if grow(model, tokens.vocabulary, extended) and config.start_optimizer:
        raise UsageError(
            f"the token set has more tokens than {place}: its optimizer's moments have no rows for them; "
            "leave start_optimizer out"
        )
    return model


def _engine(config: Train, ranks: Ranks, model: HuggingFaceModel) -> Engine:
    network = Network(model, config.speed.precision)
    micro_batch = config.rows_at_once(ranks.world)
    setup = configuration(config.speed.zero, micro_batch, config.clip, config.deepspeed)
    return Engine(ranks, network, config.optimizer.build(network), setup, config.clip)


def _report(config: Train, session: Session) -> Report:
    """First and last figures of the log, those on held-out rows and over all steps, and the steps kept."""
    means, held_out = rows_of(session.log, "loss"), rows_of(session.log, "held_out_mlm")
    progress = session.progress
    facts: dict[str, JSON] = {
        "steps": progress.step,
        "skipped": progress.step - progress.updates,
        "checkpoints": session.kept(),
        "parameters": session.engine.network.model.num_parameters(),
        "first": means[0] if means else {},
        "last": means[-1] if means else {},
        "held_out": held_out[-1] if held_out else {},
        "masking": progress.masks.realised(),
        "speed": {
            "processes": session.engine.ranks.world,
            "micro_batch": session.micro_batch,
            "precision": config.speed.precision,
        },
    }
    summary = f"{config.steps:,} steps"
    if means:
        summary += f", loss {means[0]['loss']:.3f} -> {means[-1]['loss']:.3f}"
    if held_out:
        last = held_out[-1]
        summary += f"; held-out rows: {last['held_out_mlm_accuracy']:.1%} of masked tokens right"
        summary += f" (the most frequent token would be: {last['held_out_unigram_accuracy']:.1%}"
        summary += f"; repeating what stands there: {last['held_out_copy_accuracy']:.1%})"
    return Report(summary, facts)
