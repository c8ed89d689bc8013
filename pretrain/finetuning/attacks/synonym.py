"""Chinese words for similar ones, from the recipe's own lexicon: 失望 for 难过."""

from typing import ClassVar, Literal

import numpy as np

from corpora.errors import UsageError
from pretrain.finetuning.attacks.attack import Attack, Finder, Place, Resources
from tokenization.lexicon.table import LexiconTable, find, locate
from tokenization.segmenters import Jieba
from tokenization.texts import Texts
from tokenization.vocabulary import Tokenizer, digest


class Synonym(Attack):
    """Similar words of equal length from the lexicon stage, jieba's words being what is replaced."""

    unit: ClassVar[str] = "word"

    attack: Literal["synonym"] = "synonym"
    """Similar words of the recipe's lexicon."""

    def finder(self, resources: Resources) -> Finder:
        """Places are words that the lexicon knows similar ones of."""
        if resources.lexicon is None:
            raise UsageError(
                "attacks: synonym takes similar words from a lexicon, and this recipe has none: add a stage "
                "of kind lexicon, or give the folder of a finished one as `lexicon`"
            )
        table = LexiconTable.open(resources.lexicon)
        if table.vocabulary != digest(resources.tokenizer):
            raise UsageError(
                f"attacks: synonym: the lexicon {resources.lexicon.path} is of another vocabulary than the "
                "checkpoint's: make it of the token set that the checkpoint was trained on"
            )
        segment = Jieba().prepare()

        def places(text: str) -> list[Place]:
            spans = segment(Texts.of([text])).spans.tolist()
            words = (
                (begin, end, similar(table, resources.tokenizer, text[begin:end])) for begin, end in spans
            )
            return [Place(begin, end, choices) for begin, end, choices in words if choices]

        return places


def similar(table: LexiconTable, tokenizer: Tokenizer, word: str) -> tuple[str, ...]:
    """Words that the lexicon has as similar to one, the nearest first."""
    arrays, ids = table.arrays, np.array(tokenizer(word, add_special_tokens=False)["input_ids"], np.int64)
    entry = int(find(arrays, ids, 0, len(ids))) if len(ids) else -1
    if entry < 0:
        return ()
    others = arrays.similar[arrays.similar_offsets[entry] : arrays.similar_offsets[entry + 1]].tolist()
    starts = [int(locate(arrays.groups, other, len(ids))) for other in others]
    spelt = (tokenizer.decode(arrays.tokens[start : start + len(ids)].tolist()) for start in starts)
    return tuple(dict.fromkeys(text for one in spelt if (text := one.replace(" ", "")) != word))
