"""Chinese words, exactly those of jieba 0.42.1 (github.com/fxsjy/jieba): a dictionary's graph, then an HMM.

jieba's ready-made tokenizer is shared by the whole process, gets another dictionary from any package that
sets one (`synonyms` does), and loads a cache from the temporary folder, where anyone may put one. So a
tokenizer of our own is filled from the dictionary file, which takes half a second, and no cache is touched.
"""

import importlib.util
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from corpora import paths
from corpora.errors import BadData
from corpora.settings import Settings
from tokenization.segmenters.spans import Segment, Spans

if TYPE_CHECKING:
    import jieba

VERSION = "0.42.1"
ENTRY = re.compile(r"(.+?)(?: ([0-9]+))?(?: [a-z]+)?")  # word, count, part of speech: jieba's own grammar


class Jieba(Settings):
    """Words of jieba 0.42.1, in its exact mode.

    >>> text = "他来到了网易杭研大厦"
    >>> [text[begin:end] for begin, end in Jieba().prepare()(text)]
    ['他', '来到', '了', '网易', '杭研', '大厦']
    """

    name: Literal["jieba"] = "jieba"
    """Chinese words as jieba 0.42.1 finds them."""

    hmm: bool = True
    """Whether words that the dictionary lacks are guessed from their characters (hidden Markov model)."""

    user_dictionary: str | None = None
    """File of further words, one `word [count [part of speech]]` a line, as for jieba's `load_userdict`."""

    def files(self) -> Sequence[Path]:
        """The dictionaries that decide the words."""
        user = paths.resolve(self.user_dictionary) if self.user_dictionary else ()
        return (_main_dictionary(), *user)

    def prepare(self) -> Segment:
        """The segmenting function, its dictionaries in memory.

        Raises:
            BadData: a line of the user dictionary cannot be used, or another version of jieba is installed.
        """
        further = [entry for path in self.files()[1:] for entry in _entries(path)]
        tokenizer = _tokenizer()
        for word, count in further:
            tokenizer.add_word(word, count)
        cut, hmm = tokenizer.cut, self.hmm

        def segment(text: str) -> Spans:
            spans, end = [], 0
            for word in cut(text, HMM=hmm):
                begin, end = end, end + len(word)
                if not word.isspace():
                    spans.append((begin, end))
            return spans

        return segment


def _main_dictionary() -> Path:
    found = importlib.util.find_spec("jieba")
    if found is None or found.origin is None:
        raise BadData(f"jieba is not installed; pip install jieba=={VERSION}")
    return Path(found.origin).with_name("dict.txt")


def _tokenizer() -> "jieba.Tokenizer":
    import jieba

    if jieba.__version__ != VERSION:
        raise BadData(
            f"jieba {jieba.__version__} is installed, its words differ; pip install jieba=={VERSION}"
        )
    tokenizer = jieba.Tokenizer()
    with _main_dictionary().open("rb") as file:
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(file)
    tokenizer.initialized = True
    return tokenizer


def _entries(path: Path) -> Iterator[tuple[str, str | None]]:
    """(word, count) of each line of a user dictionary."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            entry = line.decode("utf-8").strip().lstrip("\ufeff")
        except UnicodeDecodeError as error:
            raise BadData(
                f"{path}:{number}: byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
            ) from error
        match = ENTRY.fullmatch(entry)
        if match and match[2] == "0":  # jieba would keep it apart in every tokenizer of this process
            raise BadData(
                f"{path}:{number}: {match[1]!r} has count 0; give a count above 0, or remove the line"
            )
        if match:
            yield match[1], match[2]
