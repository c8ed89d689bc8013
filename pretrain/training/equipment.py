"""What a training stage works with: a network at its first step, and the engine that its settings ask for."""

from collections.abc import Mapping

from corpora.artefact import Artefact
from corpora.errors import UsageError
from corpora.reporter import Reporter
from pretrain.adversarial import Adversary
from pretrain.engine.config import configuration
from pretrain.engine.deepspeed import Engine, Ranks
from pretrain.engine.loss_scale import LossScale
from pretrain.loading import Loader
from pretrain.networks.architectures import HuggingFaceModel
from pretrain.networks.attention import FLASH
from pretrain.networks.layout import check_isolation
from pretrain.networks.network import Network, build, check_fit, check_head
from pretrain.networks.opening import few
from pretrain.networks.pair import PairNetwork
from pretrain.networks.speeding import compile_encoder, keep_no_activations
from pretrain.networks.starting import check_vocabulary, start_from
from pretrain.networks.towers import Towers
from pretrain.networks.vectors import grow, silence
from pretrain.objectives.electra import Electra
from pretrain.training import checkpoints
from pretrain.training.evaluation import HeldOut
from pretrain.training.fitting import Fitting, probe
from pretrain.training.head_warmup import AT_ONCE, MOST, Heads, Row, warm_up
from pretrain.training.pairing import first_pair
from pretrain.training.settings import Train
from tokenization.pretrained import Pretrained
from tokenization.tokens import TokenSet


def begin(
    config: Train,
    inputs: Mapping[str, Artefact],
    ranks: Ranks,
    loader: Loader,
    held_out: HeldOut | None,
    reporter: Reporter,
) -> tuple[Network | PairNetwork, list[Row]]:
    """The network at its first step, heads that know nothing trained before; and the log's lines of that.

    Raises:
        Interrupted: a signal came meanwhile.
        UsageError: weights, token set and settings do not fit each other.
    """
    if config.objectives.pairs_networks:
        return _first_pair(config, inputs, loader.tokens, reporter), []
    network, heads = _first_network(config, inputs, loader.tokens, reporter)
    if not heads or config.head_warmup == 0:
        return network, []
    return network, _warm_up(
        config, network, ranks, loader, held_out.loader if held_out else loader, reporter
    )


def wrapped(config: Train, model: HuggingFaceModel | Towers) -> Network | PairNetwork:
    """A model as the engine runs it."""
    return _pair(config, model) if isinstance(model, Towers) else _single(config, model)


def _single(config: Train, model: HuggingFaceModel) -> Network:
    if config.speed.checkpoint_activations:
        keep_no_activations(model)
    return Network(model, config.speed.precision)


def _pair(config: Train, model: Towers) -> PairNetwork:
    if config.speed.checkpoint_activations:
        keep_no_activations(model)
    return PairNetwork(model, config.objectives.electra or Electra(), config.speed.precision)


def open_engine(
    config: Train,
    ranks: Ranks,
    network: Network | PairNetwork,
    tokens: TokenSet,
    saved: checkpoints.Saved | None,
) -> Engine:
    """The engine, with what `speed` asks for, and the network's embeddings opened to an adversary.

    Raises:
        UsageError: the network has nothing that the adversary could move.
    """
    open_embeddings(config, network, tokens)
    speed, rows = config.speed, config.rows_at_once(ranks.world, tokens.length)
    pin = ranks.device.type == "cuda"
    weights = sum(parameter.numel() for parameter in network.parameters())
    setup = configuration(speed.zero, rows, config.clip, weights, config.deepspeed, speed.offload, pin)
    known = saved.setup.scaling if saved else None
    scaling = (known or LossScale()) if speed.precision == "fp16" else None
    return Engine(ranks, network, config.optimizer.build(network), setup, config.clip, scaling)


def open_embeddings(config: Train, network: Network | PairNetwork, tokens: TokenSet) -> None:
    """Let the adversary move them, if there is one.

    Raises:
        UsageError: the network has nothing that it could move.
    """
    if config.adversarial:
        special = set(tokens.special_ids) - {tokens.vocabulary.mask_id}
        network.open_to(config.adversarial.level, sorted(special))
        _check_ascents(config.adversarial, network)


def _check_ascents(adversary: Adversary, network: Network | PairNetwork) -> None:
    """Refuse ascents in a precision that the network's attention does not have."""
    model = network.model.discriminator if isinstance(network, PairNetwork) else network.model
    if model.config._attn_implementation == FLASH and adversary.exact(network.precision is not None):
        raise UsageError(
            "FlashAttention computes in half precision alone, and these ascents need float32: set "
            "adversarial.noise_scale to 0.02 or more with unit embedding, or remove flash-attn"
        )


def fit(config: Train, engine: Engine, loader: Loader, saved: checkpoints.Saved | None) -> Fitting:
    """The size of micro-batches: as asked; as found before, on as many processes; or as found now."""
    ranks, auto = engine.ranks, config.speed.micro_batch == "auto"
    rows, adversary = config.rows_at_once(ranks.world, loader.tokens.length), config.adversarial
    if auto and saved and saved.setup.world == ranks.world:
        rows = saved.setup.rows
    elif auto and ranks.device.type == "cuda":
        most = -(-config.batch // ranks.world)
        rows = probe(engine, loader, config.objectives.active(), most, adversary)
    if config.speed.compile:  # after the trials: each of their sizes would be compiled
        compile_encoder(engine.network.model)
    return Fitting(engine, loader, rows, auto)


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
    _check(config, model, tokens)
    network = _single(config, model)
    check_head(network)
    return network, config.from_pretrained is not None or bool(missing)


def _first_pair(
    config: Train, inputs: Mapping[str, Artefact], tokens: TokenSet, reporter: Reporter
) -> PairNetwork:
    """A generator and a discriminator, whose heads learn from the first step on."""
    pair = first_pair(config, inputs, tokens, reporter)
    for model in pair.towers:
        _check(config, model, tokens)
    network = _pair(config, pair)
    if network.generator:
        check_head(network.generator)
    return network


def _check(config: Train, model: HuggingFaceModel, tokens: TokenSet) -> None:
    """Refuse a network that the rows do not fit."""
    check_fit(model, tokens.vocabulary_size, tokens.length)
    if tokens.joins_documents and not config.cross_document:
        check_isolation(model)


def _warm_up(
    config: Train, network: Network, ranks: Ranks, learning: Loader, measuring: Loader, reporter: Reporter
) -> list[Row]:
    micro_batch = min(config.rows_at_once(ranks.world, learning.tokens.length), AT_ONCE)
    heads = Heads(network, config.objectives.active(), ranks, learning, measuring, micro_batch)
    asked, seed = config.head_warmup, config.seed or 0
    if asked == "auto":
        return warm_up(heads, min(MOST, config.steps), choose=True, seed=seed, reporter=reporter)
    return warm_up(heads, asked, choose=False, seed=seed, reporter=reporter)
