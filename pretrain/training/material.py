"""What a training stage reads: the batches of a split, and the rows held out to measure on."""

from collections.abc import Mapping

import numpy as np

from corpora.artefact import Artefact
from corpora.errors import UsageError
from pretrain.loading import Loader
from pretrain.training.evaluation import HeldOut
from pretrain.training.settings import Train
from tokenization import sources
from tokenization.lexicon.table import LexiconTable
from tokenization.tokens import TokenSet, splits

HELD_OUT = "validation"


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


def open_held_out(config: Train, inputs: Mapping[str, Artefact]) -> HeldOut | None:
    """The held-out rows, if the token set has any."""
    data = inputs["data"]
    if HELD_OUT not in splits(data) or not len(TokenSet.open(data, HELD_OUT)):
        return None
    loader, unigrams = open_loader(config, inputs, HELD_OUT), np.load(data.file("unigrams.npy"))
    unigrams[list(loader.tokens.special_ids)] = 0  # never to be predicted
    return HeldOut(loader, unigrams, sources.read(data), config.evaluate_rows)


def _refuse_characters(strategy: str, data: Artefact) -> None:
    """A recipe's own stages were checked before; a finished token set was made by another recipe."""
    made = data.identity.get("settings", {}) if isinstance(data.identity, Mapping) else {}
    if made.get("segmenter", {}).get("name") == "character":
        raise UsageError(
            f"{strategy} needs words, but {data.path} was encoded with each character for a word; encode "
            "the text with another segmenter, or set masking.strategy to token"
        )
