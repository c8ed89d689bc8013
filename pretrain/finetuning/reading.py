"""How well questions were answered: exact match (EM) and F1 as the scorers of SQuAD and CMRC count.

SQuAD 1.1 and 2.0 (arXiv:1606.05250, 1806.03822): words between blanks; case, punctuation and English articles
do not count; a question without an answer is right where nothing is said. CMRC 2018 (arXiv:1810.07366), also
used for DRCD: a segment is a Chinese character, or a word of other letters, and F1 is that of the longest
common run of segments.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias

Scorer: TypeAlias = Literal["squad", "cmrc"]

PUNCTUATION = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
"""What CMRC's scorer leaves out. (Its list has “……” too, which is two characters and never met.)"""

HAN = re.compile("[\u4e00-\u9fa5]")

WORDS = re.compile(r"\w+(?:[.,]\d+)*(?:[.]\w+)*|'\w+|[^\w\s]")
"""Words of other letters; punctuation by itself, but not within a number or a domain name."""


def squad_words(text: str) -> list[str]:
    """What counts of an answer.

    >>> squad_words("The Eiffel-Tower, a landmark")
    ['eiffeltower', 'landmark']
    """
    plain = "".join(character for character in text.lower() if character not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", plain).split()


def squad_exact(right: str, said: str) -> float:
    """1 if the same words stand in the same order."""
    return float(squad_words(right) == squad_words(said))


def squad_f1(right: str, said: str) -> float:
    """F1 of the words, whatever their order; where either has none, 1 if both have none."""
    one, other = squad_words(right), squad_words(said)
    if not one or not other:
        return float(one == other)
    return _f1((Counter(one) & Counter(other)).total(), len(one), len(other))


def cmrc_segments(text: str) -> list[str]:
    """Chinese characters, and words of other letters, without punctuation.

    >>> cmrc_segments("于2008年，在Beijing举行")
    ['于', '2008', '年', '在', 'beijing', '举', '行']
    """
    kept = "".join(character for character in text.lower().strip() if character not in PUNCTUATION)
    apart = HAN.sub(lambda han: f" {han.group()} ", kept)
    return [word for part in apart.split() for word in WORDS.findall(part)]


def cmrc_exact(right: str, said: str) -> float:
    """1 if the texts are the same but for case and punctuation."""
    one, other = (
        "".join(character for character in text.lower().strip() if character not in PUNCTUATION)
        for text in (right, said)
    )
    return float(one == other)


def cmrc_f1(right: str, said: str) -> float:
    """F1 of the longest run of segments that both have."""
    one, other = cmrc_segments(right), cmrc_segments(said)
    if not one or not other:
        return float(one == other)
    return _f1(_longest_run(one, other), len(one), len(other))


def _longest_run(one: Sequence[str], other: Sequence[str]) -> int:
    best, before = 0, [0] * (len(other) + 1)
    for word in one:
        now = [0] * (len(other) + 1)
        for place, its in enumerate(other, 1):
            now[place] = before[place - 1] + 1 if word == its else 0
        best, before = max(best, *now), now
    return best


def _f1(common: int, one: int, other: int) -> float:
    return 2 * common / (one + other)


SCORES: Mapping[Scorer, tuple[Callable[[str, str], float], Callable[[str, str], float]]] = {
    "squad": (squad_f1, squad_exact),
    "cmrc": (cmrc_f1, cmrc_exact),
}
"""F1 and exact match of each scorer, of a right answer and what was said."""


def scored(scorer: Scorer, right: Sequence[str], said: str) -> tuple[float, float]:
    """F1 and EM against whichever right answer is nearest; none right: nothing is to be said."""
    f1, exact = SCORES[scorer]
    accepted = right or [""]
    return max(f1(answer, said) for answer in accepted), max(exact(answer, said) for answer in accepted)
