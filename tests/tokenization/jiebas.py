"""jieba, the reference: the words that its own tokenizer finds."""

import contextlib
import copy
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Jiebas:
    """A tokenizer of jieba's, and the words that it never guesses: jieba keeps them for the whole process."""

    tokenizer: Any
    split: frozenset[str] = frozenset()

    @classmethod
    def usual(cls, folder: Path) -> "Jiebas":
        """As its users get it, but for its cache, which goes into `folder`."""
        import jieba

        tokenizer = jieba.Tokenizer()
        tokenizer.tmp_dir = str(folder)
        tokenizer.initialize()
        return cls(tokenizer)

    @classmethod
    def of(cls, dictionary: bytes) -> "Jiebas":
        """With another dictionary."""
        import jieba

        tokenizer = jieba.Tokenizer()
        tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(io.BytesIO(dictionary))
        tokenizer.initialized = True
        return cls(tokenizer)

    def words(self, text: str, hmm: bool = True) -> list[str]:
        """Its words, but for white space."""
        with self._splitting():
            return [word for word in self.tokenizer.cut(text, HMM=hmm) if not word.isspace()]

    def with_words_of(self, path: Path) -> "Jiebas":
        """The same after reading a user dictionary."""
        changed = self._copy()
        with self._splitting() as split, path.open("rb") as file:
            changed.load_userdict(file)
            return Jiebas(changed, frozenset(split))

    def with_words(self, entries: Iterable[tuple[str, int | None]]) -> "Jiebas":
        """The same with further words."""
        changed = self._copy()
        with self._splitting() as split:
            for word, count in entries:
                changed.add_word(word, count)
            return Jiebas(changed, frozenset(split))

    def _copy(self) -> Any:  # noqa: ANN401
        changed = copy.copy(self.tokenizer)
        changed.FREQ = dict(self.tokenizer.FREQ)
        return changed

    @contextlib.contextmanager
    def _splitting(self) -> Iterator[set[str]]:
        """Let the process keep the words of this one apart, and afterwards none."""
        from jieba import finalseg

        finalseg.Force_Split_Words.update(self.split)
        try:
            yield finalseg.Force_Split_Words
        finally:
            finalseg.Force_Split_Words.clear()
