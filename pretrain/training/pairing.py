"""A generator and a discriminator at their first step: new ones, trained ones, or one of each."""

from collections.abc import Mapping
from pathlib import Path

import torch

from corpora.artefact import Artefact
from corpora.errors import UsageError
from corpora.reporter import Reporter
from pretrain.networks.architectures import HuggingFaceModel, network_class
from pretrain.networks.generators import Generator, configure
from pretrain.networks.network import build
from pretrain.networks.opening import few
from pretrain.networks.starting import check_vocabulary, start_discriminator, start_from
from pretrain.networks.towers import Discriminator, Towers, adopt, alike
from pretrain.networks.vectors import grow, silence
from pretrain.networks.weights import holds_pair, load
from pretrain.randomness import torch_seed
from pretrain.training import checkpoints
from pretrain.training.settings import Train
from tokenization.pretrained import Pretrained
from tokenization.tokens import TokenSet


def first_pair(config: Train, inputs: Mapping[str, Artefact], tokens: TokenSet, reporter: Reporter) -> Towers:
    """The pair that `config` asks for; what is not trained yet is drawn from its seed.

    Raises:
        BadData: nothing can be loaded from where it should come from.
        UsageError: the networks do not fit each other, or not the token set.
    """
    place = _place(config, inputs)
    if place and "start" in inputs and holds_pair(Path(place.path)):
        pair, extended = _go_on(config, Path(place.path)), check_vocabulary(place, tokens)
    else:
        pair, extended = _join(config, place, tokens, reporter)
    if pair.generator is None and tokens.vocabulary.empty_ids:
        raise UsageError(
            f"a uniform generator would draw the {len(tokens.vocabulary.empty_ids)} rows that have no token: "
            "leave tokenizer.pad_to out"
        )
    if grow(pair, tokens.vocabulary, extended) and config.start_optimizer:
        raise UsageError(
            f"the token set has more tokens than {place}: its optimizer's moments have no rows for them; "
            "leave start_optimizer out"
        )
    return pair


def _place(config: Train, inputs: Mapping[str, Artefact]) -> Pretrained | None:
    """Where the discriminator comes from; None: it is new."""
    if "start" in inputs:
        return Pretrained(path=str(checkpoints.folder(inputs["start"], config.start_step)))
    return config.from_pretrained


def _go_on(config: Train, folder: Path) -> Towers:
    """The pair of an earlier stage, as it was."""
    pair: Towers = load(folder)
    if config.generator and config.generator != Generator(sharing=pair.sharing):
        raise UsageError(
            f"{folder} holds a generator and a discriminator ({pair.sharing}), which go on together: "
            "leave `generator` out"
        )
    return pair


def _join(
    config: Train, place: Pretrained | None, tokens: TokenSet, reporter: Reporter
) -> tuple[Towers, bool]:
    """A pair, one network after the other; and whether the token set's vocabulary extends theirs."""
    discriminator, extended = _discriminator(config, place, tokens, reporter)
    settings, origin = config.generator or Generator(), config.generator_place
    if config.generator is None and place is not None and origin is None:
        raise UsageError(
            f"{place} holds one network, and electra trains two: name a generator that goes on, "
            "`generator: {from_pretrained: ...}`, or have a new one made, `generator: {width: 0.25}`"
        )
    if origin is None:
        generator = None if settings.uniform else _new(settings, discriminator, config.seed or 0, tokens)
    else:
        generator = _trained(origin, config.seed or 0)
        if check_vocabulary(origin, tokens) != extended and place is not None:
            raise UsageError(
                f"{origin} and {place} have different vocabularies: a generator and a discriminator that go "
                "on together need one"
            )
    if generator is not None and settings.sharing != "untied":
        _agree(generator, discriminator, origin, place, settings)
    return Towers(generator, discriminator, settings.sharing), extended


def _discriminator(
    config: Train, place: Pretrained | None, tokens: TokenSet, reporter: Reporter
) -> tuple[Discriminator, bool]:
    seed = config.seed or 0
    if config.model:
        model = build(config.model, tokens.vocabulary_size, tokens.pad_id, pairs=False, seed=seed)
        return Discriminator(model.base_model), False
    if place is None:
        raise UsageError("nothing says what to train")
    discriminator, missing = start_discriminator(place, seed)
    if missing:
        reporter.say(
            f"{place} lacks {few(missing)}: these start from random weights and learn with the rest, "
            "which schedule.warmup_steps spares meanwhile"
        )
    return discriminator, check_vocabulary(place, tokens)


def _new(settings: Generator, discriminator: Discriminator, seed: int, tokens: TokenSet) -> HuggingFaceModel:
    """A generator with fresh weights."""
    config = configure(settings, discriminator.config)
    torch.manual_seed(torch_seed(seed, "generator", 0))
    generator = network_class(config.model_type, pairs=False)(config)
    silence(generator, tokens.vocabulary.empty_ids)
    return generator


def _trained(origin: Pretrained, seed: int) -> HuggingFaceModel:
    generator, missing = start_from(origin, pairs=False, seed=seed)
    if missing:
        raise UsageError(
            f"{origin} lacks {few(missing)}: it is no generator, which needs its masked-LM head; "
            "was the discriminator meant? that is `from_pretrained`"
        )
    return generator


def _agree(
    generator: HuggingFaceModel,
    discriminator: Discriminator,
    origin: Pretrained | None,
    place: Pretrained | None,
    settings: Generator,
) -> None:
    """One of them has the embeddings that both begin with; where both are trained, these must be the same."""
    if origin is None:
        adopt(generator, discriminator)
    elif place is None:
        adopt(discriminator, generator)
    elif settings.sharing == "tied" and not alike(generator, discriminator):
        raise UsageError(
            f"the embeddings in {origin} are not those in {place}, so they cannot become one: "
            "set generator.sharing to gdes or untied, or give a pair that was trained together"
        )
