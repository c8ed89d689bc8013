"""English words for their synonyms in WordNet (Miller 1995): film for movie."""

import re
from functools import lru_cache
from typing import ClassVar, Literal

from corpora.errors import UsageError
from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources

WORD = re.compile(r"[A-Za-z]{3,}")


class WordNet(Attack):
    """Synonyms of any sense, in the base form: grammar may suffer, and so may the meaning."""

    unit: ClassVar[str] = "word"

    attack: Literal["wordnet"] = "wordnet"
    """Synonyms of English words; needs the package nltk and its corpus wordnet."""

    def finder(self, resources: Resources) -> Finder:
        """Places are words that WordNet knows synonyms of."""
        try:
            from nltk.corpus import wordnet

            wordnet.ensure_loaded()
        except ImportError as error:
            raise UsageError(
                "attacks: wordnet needs nltk, which is not installed here: pip install nltk, or take typos"
            ) from error
        except LookupError as error:
            raise UsageError(
                "attacks: nltk has no corpus wordnet here: python -m nltk.downloader wordnet, on a machine "
                "that reaches it, and let NLTK_DATA name the folder; or take typos"
            ) from error
        return _places


def _places(text: str) -> list[Place]:
    words = ((match.start(), match.end(), _synonyms(match[0])) for match in WORD.finditer(text))
    return [Place(start, end, choices) for start, end, choices in words if choices]


@lru_cache(100_000)
def _synonyms(word: str) -> tuple[str, ...]:
    """Single words that share a sense, the most usual senses first, cased as the word is."""
    from nltk.corpus import wordnet

    names = (str(name) for sense in wordnet.synsets(word.lower()) for name in sense.lemma_names())
    plain = dict.fromkeys(name for name in names if name.isalpha() and name.lower() != word.lower())
    return tuple(name.capitalize() if word[0].isupper() else name for name in plain)
