"""Similar words from any file of word2vec vectors."""

from pathlib import Path
from typing import Literal

from corpora.settings import Settings
from tokenization.lexicon.vectors import Vectors, load_word2vec, one_file

TEXT = {".txt", ".vec"}


class Word2vec(Settings):
    """Vectors in word2vec's format, as word2vec, gensim, GloVe converters and fastText (.vec) write it."""

    name: Literal["word2vec"] = "word2vec"
    """Read a file of word2vec vectors."""
    path: str
    """The file; `.gz` and `.bz2` are unpacked while reading."""
    format: Literal["binary", "text"] | None = None
    """Left out: text for .txt and .vec, binary for anything else."""

    def file(self) -> Path:
        """The file of vectors."""
        return one_file(self.path)

    def load(self) -> Vectors:
        """Read the vectors."""
        path = self.file()
        text = bool(TEXT & set(path.suffixes))
        return load_word2vec(path, self.format == "binary" if self.format else not text)
