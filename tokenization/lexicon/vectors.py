"""Word vectors and their nearest neighbours by cosine, in blocks of matrix products with bounded memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from corpora.errors import BadData
from corpora.paths import resolve
from tokenization.compiled import compiled

TILE = 512, 4096  # queries and candidates of one matrix product: 8 MB, which stays in cache


@dataclass(frozen=True)
class Vectors:
    """Words and their directions."""

    words: list[str]
    unit: NDArray[np.float32]  # (words, width), each row of length 1

    def nearest(
        self,
        queries: NDArray[np.int64],
        candidates: NDArray[np.int64],
        top_k: int,
        min_similarity: float,
    ) -> NDArray[np.int32]:
        """For each query the places in `candidates` of its nearest, itself excluded, nearest first.

        Both name rows of `unit`. (queries, top_k), -1 where fewer are at least `min_similarity` away in
        cosine.
        """
        best = np.full((len(queries), top_k), -1, np.int32)
        scores = np.full((len(queries), top_k), np.nextafter(np.float32(min_similarity), np.float32(-2)))
        for i in range(0, len(queries), TILE[0]):
            some = slice(i, i + TILE[0])
            for j in range(0, len(candidates), TILE[1]):
                others = candidates[j : j + TILE[1]]
                cosines = self.unit[queries[some]] @ self.unit[others].T
                _keep_best(cosines, queries[some], others, j, scores[some], best[some])
        return best


def load_word2vec(path: Path, binary: bool) -> Vectors:
    """Read word2vec's own format, binary or text. Vectors that are zero or not finite are left out.

    Raises:
        BadData: the file is damaged or of another format.
    """
    from gensim.models import KeyedVectors

    try:
        # As the synonyms toolkit reads its file: bytes that are not UTF-8 are dropped from a word.
        loaded = KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors="ignore")
    except (ValueError, EOFError, IndexError) as error:
        form = "binary" if binary else "text"
        raise BadData(
            f"{path} is not whole word2vec vectors in {form} form ({error}); "
            "its first line says how many words and how wide, then come the words"
        ) from error
    lengths = np.linalg.norm(loaded.vectors, axis=1)
    good = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    if not len(good):
        raise BadData(f"{path} has no vector that is finite and not zero")
    unit = (loaded.vectors[good] / lengths[good, None]).astype(np.float32)
    return Vectors([loaded.index_to_key[row] for row in good], unit)


def one_file(path: str) -> Path:
    """The one file that `path` names.

    Raises:
        BadData: it names none, or several.
    """
    files = resolve(path)
    if len(files) > 1:
        raise BadData(f"{path} names {len(files)} files, vectors are read from one; name it")
    return files[0]


@compiled
def _keep_best(
    cosines: NDArray[np.float32],
    queries: NDArray[np.int64],
    others: NDArray[np.int64],
    offset: int,
    scores: NDArray[np.float32],
    best: NDArray[np.int32],
) -> None:
    """Insert what beats the worst of `scores`, which fall along each row; equal ones stay in order."""
    last = scores.shape[1] - 1
    for i in range(cosines.shape[0]):
        for j in range(cosines.shape[1]):
            if cosines[i, j] > scores[i, last] and others[j] != queries[i]:
                place = last
                while place > 0 and scores[i, place - 1] < cosines[i, j]:
                    scores[i, place], best[i, place] = scores[i, place - 1], best[i, place - 1]
                    place -= 1
                scores[i, place], best[i, place] = cosines[i, j], offset + j
