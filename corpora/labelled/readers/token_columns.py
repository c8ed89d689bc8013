"""Columns of tokens and tags (CoNLL): one token a line, sentences between blank lines."""

from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

from corpora.document import Unreadable
from corpora.labelled.raw import Raw
from corpora.labelled.rows import Kind
from corpora.labelled.tags import Join, Scheme, joined, scheme_of, spans_of
from corpora.lines import lines
from corpora.places import Place
from corpora.settings import Settings


class TokenColumns(Settings):
    """One token a line with its tag, columns between tabs or spaces, a blank line after each sentence.

    Lines that begin with -DOCSTART- are left out.
    """

    kind: ClassVar[Kind] = "spans"

    name: Literal["token_columns"] = "token_columns"
    """Columns of tokens and tags (CoNLL, BIO, BIOES, BMES): one token a line, blank lines between."""

    token: int = 0
    """The column of the token, from 0; -1 is the last."""

    tag: int = -1
    """The column of the tag."""

    tags: Scheme = "auto"
    """What tags are: `chunks` (B-PER, I-PER; also BIOES, BMES, BILOU), `words` (each token has a type of its
    own: parts of speech). `auto`: chunks if any tag begins with a letter and a hyphen."""

    join: Join = "auto"
    """What stands between tokens in the text: a `space`, `nothing`, or `auto`: nothing in a sentence with Han
    characters or kana, a space in others."""

    comments: bool = False
    """Whether lines that begin with # are comments (CoNLL-U)."""

    def read(self, place: Place, labelled: bool = True) -> Iterator[Raw | Unreadable]:
        """Yield a row a sentence, with the line where it begins."""
        sentences = [*self._sentences(place, labelled)]
        scheme = self.tags
        if scheme == "auto":
            scheme = scheme_of(tag for each in sentences if isinstance(each, _Sentence) for tag in each.tags)
        for each in sentences:
            if isinstance(each, Unreadable):
                yield each
                continue
            text, extents = joined(each.tokens, self.join)
            try:
                spans = spans_of(each.tags, extents, scheme) if labelled else ()
            except ValueError as error:
                yield Unreadable("bad_record", each.line, text, str(error))
            else:
                yield Raw(each.line, text, spans=spans, tokens=extents)

    def _sentences(self, place: Place, labelled: bool) -> Iterator["_Sentence | Unreadable"]:
        held = _Sentence(0, [], [])
        for line, text in lines(place):
            if text.startswith("-DOCSTART-") or (self.comments and text.startswith("#")):
                continue
            if not text.strip():
                yield from (held,) if held.tokens else ()
                held = _Sentence(0, [], [])
                continue
            values = [value for value in text.split("\t" if "\t" in text else " ") if value]
            try:
                token, tag = values[self.token], values[self.tag] if labelled else ""
                if labelled and len(values) < 2:
                    raise IndexError
            except IndexError:
                told = f"{len(values)} value(s), a token and its tag are needed"
                yield Unreadable("bad_record", line, text, told)
                continue
            held = held if held.tokens else _Sentence(line, [], [])
            held.tokens.append(token)
            held.tags.append(tag)
        yield from (held,) if held.tokens else ()


class _Sentence(NamedTuple):
    line: int
    tokens: list[str]
    tags: list[str]
