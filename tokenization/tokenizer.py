"""The tokenizer of a token set: trained on the shards, or a fast one of `transformers` that exists."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from corpora.errors import BadData
from corpora.settings import Settings
from tokenization import wordpiece
from tokenization.pretrained import folder_of
from tokenization.vocabulary import Tokenizer

if TYPE_CHECKING:
    import tokenizers

SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TrainedTokenizer(Settings):
    """A tokenizer learnt from the training shards."""

    train: Literal["wordpiece_zh"]
    """`wordpiece_zh`: lower case, Chinese characters apart, WordPiece for the rest, as in Chinese BERT."""

    size: Annotated[int, Field(gt=len(SPECIALS))] = 21_128
    """Most tokens in the vocabulary, special ones included; fewer if the text does not give as many."""

    min_count: Annotated[int, Field(ge=1)] = 2
    """A character or piece seen less often in the training text gets no token of its own."""

    def make(self, texts: Iterable[str]) -> Tokenizer:
        """Learn from `texts`; equal texts give an equal tokenizer."""
        from transformers import BertTokenizer

        counts = _words(texts, BertTokenizer(vocab=dict.fromkeys(SPECIALS, 0)).backend_tokenizer)
        pieces = wordpiece.learn(counts, self.size - len(SPECIALS), self.min_count)
        vocabulary = {token: number for number, token in enumerate((*SPECIALS, *pieces))}
        return BertTokenizer(vocab=vocabulary, do_lower_case=True)


def _words(texts: Iterable[str], tokenizer: "tokenizers.Tokenizer") -> Counter[str]:
    """What WordPiece will be asked to spell, counted: cleaned, lower-cased and split by the tokenizer."""
    runs, words = Counter[str](), Counter[str]()
    for text in texts:
        runs.update(tokenizer.normalizer.normalize_str(text).split())
    for run, count in runs.items():
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(run):
            words[word] += count
    return words


def load(origin: str) -> Tokenizer:
    """Load the fast tokenizer in folder `origin`, or of that name on the Hugging Face hub.

    What the hub gave once is used again, without asking, so that a machine encodes alike today and tomorrow.

    Raises:
        BadData: there is none, the hub cannot be reached, or it has no fast form.
    """
    from transformers import AutoTokenizer

    folder = folder_of(origin)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder) if folder else _from_hub(origin)
    except Exception as error:  # transformers, huggingface_hub and tokenizers each raise their own
        reason = " ".join(str(error).split())[:200]
        raise BadData(
            f"no tokenizer could be loaded from {origin!r}: {reason} (give a folder that AutoTokenizer opens,"
            " a name on the Hugging Face hub while it can be reached, or train one: {train: wordpiece_zh})"
        ) from error
    if not tokenizer.is_fast:
        raise BadData(f"{origin!r} has no fast tokenizer, which alone tells where tokens lie in the text")
    return tokenizer


def _from_hub(name: str) -> Tokenizer:
    from huggingface_hub import HfApi
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError):  # not downloaded yet
        HfApi().model_info(name, timeout=10)  # fails at once where the download would try for a minute
        return AutoTokenizer.from_pretrained(name)


def files(origin: str) -> list[Path]:
    """What a tokenizer folder is read from, sorted; nothing for a name on the hub.

    Raises:
        BadData: a path was given, and there is no such folder.
    """
    folder, kept = folder_of(origin), (".json", ".txt", ".model")
    return sorted(path for path in folder.iterdir() if path.suffix in kept) if folder else []


def for_text(folder: Path) -> "tokenizers.Tokenizer":
    """The tokenizer saved in `folder`, for raw text: whole texts, and "[MASK]" in a text is plain characters.

    It does without `transformers`, so that worker processes start quickly.
    """
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer
