"""The tokenizer of a token set: trained on the shards, or a fast one of `transformers` that exists."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Discriminator, Tag, model_validator

from corpora.errors import BadData, MaskwrightError
from corpora.settings import named
from tokenization.extending import Choice, Extend, choose
from tokenization.new_pieces import Rows, add_pieces
from tokenization.pretrained import Pretrained, open_pretrained
from tokenization.raw_text import for_raw_text
from tokenization.segmenters import Segmenter
from tokenization.trainers import TRAINERS, Trained, TrainingText
from tokenization.vocabulary import (
    NEEDED,
    Extension,
    Tokenizer,
    TokenizerSettings,
    Vocabulary,
    describe,
    differing,
    digest,
    lacking,
)
from tokenization.vocabulary_files import has_vocabulary, tokens_of

if TYPE_CHECKING:
    import tokenizers

FILE = "tokenizer.json"
KEPT = (".json", ".txt", ".model")  # what a tokenizer's folder is read from
UNSET = 10**12  # tokens; `transformers` gives more where nothing is said of the longest row


class Loaded(Pretrained, TokenizerSettings):
    """A tokenizer that exists: a folder that AutoTokenizer opens, or a name on the Hugging Face hub."""

    extend: Extend | None = None
    """New words for it: `frequent`, those of the training text that take most tokens, or those of a file."""

    @model_validator(mode="after")
    def _is_a_path(self) -> "Loaded":
        if self.path in TRAINERS:
            raise ValueError(
                f"'{self.path}' is a way to train one: write {{train: {self.path}}} (or ./{self.path})"
            )
        return self

    def outside(self) -> Sequence[Path]:
        """The files of the folder and of new words; of a name on the hub, none is known yet."""
        return [*self.files(KEPT), *(self.extend.files() if self.extend else ())]


def _which(value: object) -> str:
    """Settings that name no path are of training."""
    trains = (isinstance(value, Mapping) and "path" not in value) or hasattr(value, "train")
    return "trained" if trains else "loaded"


AnyTokenizer: TypeAlias = Annotated[
    Annotated[Trained, Tag("trained")] | Annotated[Loaded, Tag("loaded")],
    Discriminator(_which),
    named("path"),
]
"""A tokenizer, loaded or trained; a bare word is a path."""


@dataclass(frozen=True)
class Made:
    """What is known of a tokenizer that was saved."""

    vocabulary: Vocabulary
    note: str | None = None  # what a person should be told


def make(
    settings: AnyTokenizer, text: TrainingText, segmenter: Segmenter, longest: int, folder: Path
) -> Made:
    """Load or train a tokenizer for rows of up to `longest` tokens; save it for AutoTokenizer in `folder`.

    Raises:
        BadData: there is none, it cannot be used, or the text does not give one.
        UsageError: a package that training it takes is not installed.
    """
    if isinstance(settings, Loaded):
        tokenizer, origin = load(settings), str(settings)
    else:
        tokenizer, origin = settings.make(text.some(settings.characters)), "the trained tokenizer"
    known = tokenizer.model_max_length if tokenizer.model_max_length < UNSET else 0
    tokenizer.model_max_length = max(known, longest)
    vocabulary, note = describe(tokenizer, origin, settings.pad_to), None
    tokenizer.save_pretrained(folder)
    if not isinstance(settings, Loaded):
        _save_lists(tokenizer, folder)
    if isinstance(settings, Loaded) and settings.extend:
        choice = choose(_read(folder), settings.extend, vocabulary.unk_id, text, segmenter)
        tokenizer, rows = _extended(folder, choice)
        extension = Extension(vocabulary.digest, tuple(sorted(rows.items())))
        vocabulary = describe(tokenizer, origin, settings.pad_to, extension)
        note = _told(choice, len(rows))
    _check_opened(folder, tokenizer, vocabulary.digest)
    return Made(vocabulary, note)


def load(origin: Pretrained) -> Tokenizer:
    """Load a fast tokenizer. What the hub gave once is used again, without asking.

    Raises:
        BadData: there is none, the hub cannot be reached, it has no fast form, or its files contradict it.
    """
    from transformers import AutoTokenizer

    folder = origin.folder()
    if folder and not has_vocabulary(folder):  # `transformers` would make one up that knows no word
        lacks = (
            "no tokenizer.json, vocab.txt or vocab.json is there; copy those of the network's training there"
        )
        raise _not_loaded(origin, lacks)
    listed = tokens_of(folder) if folder else None
    try:
        tokenizer = open_pretrained(origin, AutoTokenizer.from_pretrained)
    except BadData:
        raise
    except Exception as error:  # transformers and tokenizers each raise their own
        raise _not_loaded(origin, " ".join(str(error).split())[:200]) from error
    if not tokenizer.is_fast:
        raise BadData(f"{origin} has no fast tokenizer, which alone tells where tokens lie in the text")
    named = {name: getattr(tokenizer, f"{name}_token") for name in NEEDED}
    for name, token in named.items():
        if listed is not None and token is not None and token not in listed:
            raise lacking(str(origin), name, [str(one) for one in named.values() if one in listed], token)
    tokenizer.backend_tokenizer.no_truncation()  # of the text that it was saved after
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _not_loaded(origin: Pretrained, reason: str) -> BadData:
    return BadData(
        f"no tokenizer could be loaded from {str(origin)!r}: {reason} (give a folder that AutoTokenizer "
        "opens, a name on the Hugging Face hub, or train one: {train: wordpiece_zh})"
    )


def for_text(folder: Path) -> "tokenizers.Tokenizer":
    """The tokenizer saved in `folder`, for raw text: whole texts, and "[MASK]" in a text is plain characters.

    It does without `transformers`, so that worker processes start quickly.
    """
    return for_raw_text(_read(folder))


def _read(folder: Path) -> str:
    return (folder / FILE).read_text("utf-8")


def _save_lists(tokenizer: Tokenizer, folder: Path) -> None:
    """The vocabulary as older programs read it: vocab.txt, or vocab.json and merges.txt."""
    model = tokenizer.backend_tokenizer.model
    if type(model).__name__ != "Unigram":
        model.save(str(folder))


def _extended(folder: Path, choice: Choice) -> tuple[Tokenizer, Rows]:
    """Extend the tokenizer in `folder`; new ids, with those that spelt their tokens until now."""
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    made = json.loads(_read(folder))
    rows = add_pieces(made, [word for word in choice.words if word.piece is not None])
    (folder / FILE).write_text(json.dumps(made, ensure_ascii=False), "utf-8")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    apart = [word for word in choice.words if word.piece is None]
    tokenizer.add_tokens([AddedToken(word.word, normalized=True) for word in apart])
    ids: dict[str, int] = tokenizer.get_vocab()
    rows |= {ids[word.word]: word.ids for word in apart}
    tokenizer.save_pretrained(folder)
    return tokenizer, rows


def _told(choice: Choice, rows: int) -> str:
    """What became of the words, in a line."""
    some = " ".join(word.word for word in choice.words[:5])
    note = f"{rows:,} new tokens for {len(choice.words):,} words, such as {some}"
    if choice.one_already:
        note += f"; {choice.one_already:,} words are one token already"
    if choice.impossible:
        some = repr(choice.impossible[0])
        note += f"; {len(choice.impossible):,} cannot be one, such as {some}: it is split before"
    return note


def _check_opened(folder: Path, tokenizer: Tokenizer, wanted: str) -> None:
    """Refuse a tokenizer that becomes another one when it is opened again."""
    from transformers import AutoTokenizer

    opened = AutoTokenizer.from_pretrained(folder)
    if digest(opened) != wanted:
        raise MaskwrightError(
            f"the tokenizer saved in {folder} opens as another one, its {differing(tokenizer, opened)} "
            "changed; this is a fault of `transformers` or of ours: report it with the tokenizer's name"
        )
