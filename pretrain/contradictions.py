"""Settings that are right alone and cannot be right together, found before any work.

What lies within one stage is checked by its settings; these rules look further. A rule yields the
key to point at and what is wrong; it passes over stages that are not valid.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from corpora.errors import UsageError
from corpora.stage import StageSettings
from pretrain.export import Export
from pretrain.finetuning.attacks.synonym import Synonym
from pretrain.finetuning.settings import Finetune
from pretrain.networks.architectures import configuration, positions
from pretrain.networks.generators import Generator, configure
from pretrain.networks.network import Model
from pretrain.reading.problems import Key
from pretrain.reading.roles import Role
from pretrain.replacement import SimilarWord
from pretrain.training.settings import Train
from tokenization.encoding import Encode
from tokenization.packing import SegmentPairs
from tokenization.segmenters import Character

Kind = TypeVar("Kind", bound=StageSettings)
Found = Iterator[tuple[Key, str]]


@dataclass(frozen=True)
class Stages:
    """The valid stages of a recipe, and what each reads."""

    settings: Mapping[str, StageSettings]
    roles: Mapping[str, Mapping[str, Role]]

    def of(self, kind: type[Kind]) -> Iterator[tuple[str, Kind]]:
        """The stages of a kind, by name."""
        return ((name, one) for name, one in self.settings.items() if isinstance(one, kind))

    def source(self, name: str, role: str, kind: type[Kind]) -> tuple[str, Kind] | None:
        """The stage that `name` reads in a role, None where it is no valid stage of this recipe."""
        source = self.roles[name].get(role)
        settings = self.settings.get(source) if isinstance(source, str) else None
        return (source, settings) if isinstance(source, str) and isinstance(settings, kind) else None


def contradictions(stages: Stages) -> Found:
    """Key and message of each contradiction."""
    for rule in RULES:
        yield from rule(stages)


def similar_words_need_a_lexicon(stages: Stages) -> Found:
    """MacBERT's replacement looks words up."""
    for name, train in stages.of(Train):
        if isinstance(train.replacement, SimilarWord) and "lexicon" not in stages.roles[name]:
            message = "similar_word needs similar words: add a stage of kind lexicon before this one"
            yield ("stages", name, "replacement"), message


def whole_words_need_words(stages: Stages) -> Found:
    """Where each character is a word of its own, masking whole words would be masking characters."""
    for name, train in stages.of(Train):
        source = stages.source(name, "data", Encode)
        if source and train.masking.whole_words and isinstance(source[1].segmenter, Character):
            message = (
                f"{train.masking.strategy} needs words, but {source[0]}.segmenter makes each character "
                f"a word: set {source[0]}.segmenter to jieba, or the strategy to token"
            )
            yield ("stages", name, "masking"), message


def pair_objectives_need_their_pairs(stages: Stages) -> Found:
    """Only rows of two segments have an order; next sentences need other ones, some of them of chance."""
    needs = {
        "sop": ("segments that follow one another", "random_next to 0"),
        "nsp": ("segments of other documents, too", "random_next to 0.5"),
    }
    for name, train in stages.of(Train):
        source = stages.source(name, "data", Encode)
        if source is None:
            continue
        for task in train.objectives.active().keys() & needs.keys():
            packing, (what, setting) = source[1].packing, needs[task]
            if not isinstance(packing, SegmentPairs):
                what, setting = "rows of two segments", f"kind to segment_pairs and {setting}"
            elif packing.next_sentences == (task == "nsp"):
                continue
            yield (
                ("stages", name, "objectives", task),
                f"{task} needs {what}: set {source[0]}.packing.{setting}",
            )


def networks_can_be_configured(stages: Stages) -> Found:
    """The values of a configuration are checked by `transformers` when it is made."""
    for name, train in stages.of(Train):
        if train.model and isinstance(message := _configuration(train.model), str):
            yield ("stages", name, "model"), message


def generators_can_read_the_tables(stages: Stages) -> Found:
    """Tables that are shared are as wide as the discriminator has them."""
    for name, train in stages.of(Train):
        beside = _configuration(train.model) if train.model and train.objectives.pairs_networks else ""
        if not isinstance(beside, str):
            try:
                configure(train.generator or Generator(), beside)
            except UsageError as error:
                yield ("stages", name, "generator"), str(error)


def rows_fit_the_network(stages: Stages) -> Found:
    """A network has as many positions as its configuration says, that of a folder too."""
    for name, _ in stages.of(Train):
        source, (room, mend) = stages.source(name, "data", Encode), _positions(stages, name)
        if source and room is not None and source[1].packing.length > room:
            length, key = source[1].packing.length, f"{source[0]}.packing.length"
            message = f"reads rows of up to {length} tokens, but the network has {room} positions"
            yield ("stages", name), f"{message}: lower {key}{mend}"


def labelled_rows_fit_the_network(stages: Stages) -> Found:
    """Fine-tuning has the positions that pre-training made."""
    for name, finetune in stages.of(Finetune):
        source = stages.source(name, "model", Export)
        trained = stages.source(source[0], "checkpoint", Train) if source else None
        room, mend = _positions(stages, trained[0]) if trained else (None, "")
        if room is not None and finetune.length > room:
            message = f"is {finetune.length}, but the network has {room} positions"
            yield ("stages", name, "length"), f"{message}: lower {name}.length{mend}"


def synonyms_need_a_lexicon(stages: Stages) -> Found:
    """An attack with similar words looks them up."""
    for name, finetune in stages.of(Finetune):
        if any(isinstance(one, Synonym) for one in finetune.attacks) and "lexicon" not in stages.roles[name]:
            message = "synonym needs similar words: add a stage of kind lexicon before this one"
            yield ("stages", name, "attacks"), message


def exported_steps_are_trained(stages: Stages) -> Found:
    """No checkpoint is made after the last step."""
    for name, export in stages.of(Export):
        source = stages.source(name, "checkpoint", Train)
        if source and export.step and export.step > source[1].steps:
            message = f"is {export.step}, but {source[0]} ends after {source[1].steps} steps"
            yield ("stages", name, "step"), message


def _positions(stages: Stages, name: str) -> tuple[int | None, str]:
    """Longest row that a stage's network reads, None where it is not known; and what else would mend it."""
    found = stages.settings[name]
    while isinstance(found, Train) and found.start and (source := stages.source(name, "start", Train)):
        name, found = source
    if not isinstance(found, Train):
        return None, ""
    if found.model is None:
        config = configuration(found.from_pretrained)
        return (positions(config) if config else None), ""
    config = _configuration(found.model)
    mend = ", or raise max_position_embeddings of the network"
    return (None if isinstance(config, str) else positions(config)), mend


def _configuration(model: Model) -> Any:  # noqa: ANN401 - transformers' class, or why it refuses
    from huggingface_hub.errors import StrictDataclassError
    from transformers import CONFIG_MAPPING

    try:
        # The pad id is the tokenizer's, not yet known: the least one refuses nothing that could fit.
        return CONFIG_MAPPING[model.type](**{"pad_token_id": 0, **(model.model_extra or {})})
    except (StrictDataclassError, TypeError, ValueError) as error:
        return str(error.__cause__ or error).splitlines()[-1]


RULES: tuple[Callable[[Stages], Found], ...] = (
    similar_words_need_a_lexicon,
    whole_words_need_words,
    pair_objectives_need_their_pairs,
    networks_can_be_configured,
    generators_can_read_the_tables,
    rows_fit_the_network,
    labelled_rows_fit_the_network,
    synonyms_need_a_lexicon,
    exported_steps_are_trained,
)
