"""Similar words from the vectors of the synonyms toolkit, which MacBERT used (chatopera/Synonyms)."""

from pathlib import Path
from typing import Literal

from corpora.errors import BadData
from corpora.paths import resolve
from corpora.settings import Settings
from tokenization.lexicon.vectors import Vectors, load_word2vec, one_file

PACKAGED = "package:synonyms/data/words.vector"


class Synonyms(Settings):
    """The vectors alone: importing the package would exchange jieba's dictionary for its own."""

    name: Literal["synonyms"] = "synonyms"
    """Read the vectors of the installed `synonyms` package."""
    path: str = PACKAGED
    """Its file of vectors: word2vec, binary."""

    def file(self) -> Path:
        """The file of vectors.

        Raises:
            BadData: the package is not installed, or has no vectors in it.
        """
        try:
            resolve(self.path)
        except BadData as error:
            raise BadData(
                f"{error}. The last release with vectors in it under the MIT licence: "
                "pip install --no-deps synonyms==3.10.2 (its source package brings them)"
            ) from error
        return one_file(self.path)

    def load(self) -> Vectors:
        """Read the vectors."""
        return load_word2vec(self.file(), binary=True)
