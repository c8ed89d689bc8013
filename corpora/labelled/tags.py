"""Tags of tokens -> the text and its spans: BIO, BIOES, BMES and BILOU chunks, or one type for each token.

Chunks are read as CoNLL-2003's scorer and seqeval's default mode read them: a span also begins where the
type changes, where an I follows an O, and after an E or S. So IOB1 and IOB2 are read alike.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from corpora.labelled.rows import Span

Scheme: TypeAlias = Literal["auto", "chunks", "words"]
Join: TypeAlias = Literal["auto", "space", "nothing"]

CHUNK = re.compile(r"([BIESMLUW])(?:-(.+))?")
TYPED = re.compile(r"[BIESMLUW]-.")
UNSPACED = re.compile("[\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
SAME = {"M": "I", "L": "E", "U": "S", "W": "S"}  # BMES, BILOU and BIOW name the same four
UNTYPED = "_"  # the type of chunks without one, as seqeval has it


def scheme_of(tags: Iterable[str]) -> Literal["chunks", "words"]:
    """What the tags of a whole file are: chunks, where any looks like B-PER or all are single letters."""
    known = set(tags) - {"O"}
    letters = bool(known) and all(CHUNK.fullmatch(tag) for tag in known)
    return "chunks" if letters or any(TYPED.match(tag) for tag in known) else "words"


def joined(tokens: Sequence[str], join: Join) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text of tokens, and where each of them begins and ends in it.

    With `auto`, nothing stands between them if any has a Han character or kana, else a space.
    """
    spaced = join == "space" or (join == "auto" and not any(map(UNSPACED.search, tokens)))
    extents, at = list[tuple[int, int]](), 0
    for token in tokens:
        extents.append((at, at + len(token)))
        at += len(token) + spaced
    return (" " if spaced else "").join(tokens), tuple(extents)


def spans_of(
    tags: Sequence[str], extents: Sequence[tuple[int, int]], scheme: Literal["chunks", "words"]
) -> tuple[Span, ...]:
    """The spans that tags say.

    Raises:
        ValueError: a tag is none of its scheme.
    """
    if scheme == "words":
        return tuple(Span(*extent, tag) for tag, extent in zip(tags, extents, strict=True) if tag != "O")
    spans, open_, before = list[Span](), None, ("O", "")
    for tag, extent in zip(tags, extents, strict=True):
        letter, kind = now = _parsed(tag)
        if letter == "O" or open_ is None or _begins(before, now):
            spans += [open_] if open_ else []
            open_ = Span(*extent, kind) if letter != "O" else None
        else:
            open_ = open_._replace(end=extent[1])
        before = now
    return (*spans, open_) if open_ else tuple(spans)


def _parsed(tag: str) -> tuple[str, str]:
    if tag == "O":
        return "O", ""
    if found := CHUNK.fullmatch(tag):
        return SAME.get(found[1], found[1]), found[2] or UNTYPED
    raise ValueError(f"the tag {tag!r} is neither O nor like B-PER; for a type for each token, `tags: words`")


def _begins(before: tuple[str, str], now: tuple[str, str]) -> bool:
    return now[0] in "BS" or before[0] in "ES" or before[1] != now[1]
