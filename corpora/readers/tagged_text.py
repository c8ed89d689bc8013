"""Segmented and tagged newspaper text (the People's Daily corpus of 1998 and its like), the tags taken off.

A line is a paragraph: `[中央/n 人民/n 广播/vn 电台/n]nt  播出/v`, in the original edition begun by its number
(`19980101-01-001-001/m`: day, page, article, paragraph).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple

from corpora.document import Document
from corpora.errors import BadData
from corpora.lines import lines
from corpora.settings import Settings

NUMBER = re.compile(r"(\d{8}-\d{2}-\d{3})-\d{3}")
BODY = re.compile(r"。|[！？；：，…!?;:,]\W*$|^[（(—]")  # what a headline or a byline does not have


class TaggedText(Settings):
    """`word/tag word/tag ...`, one paragraph a line; documents are articles."""

    name: Literal["tagged_text"] = "tagged_text"
    """Text in the form word/tag; tags, brackets of compound names and paragraph numbers are taken off."""

    documents: Literal["article", "line"] = "article"
    """What a document is. Articles come from the paragraphs' numbers; without numbers, one begins at a
    headline after a body: at a line without full stop and end punctuation, after a line with them."""

    def read(self, path: Path) -> Iterator[Document]:
        """Yield the documents of a file, their paragraphs joined by line ends."""
        paragraphs = (_paragraph(text, path, line) for line, text in lines(path))
        for _, group in groupby(_in_articles(paragraphs), lambda found: found[self.documents == "line"]):
            together = [paragraph for *_, paragraph in group]
            text = "\n".join(paragraph.text for paragraph in together)
            yield Document(text=text, id="", metadata={"line": together[0].line})


class _Paragraph(NamedTuple):
    line: int
    article: str  # number of its article, "" if the edition has none
    text: str


def _in_articles(paragraphs: Iterable[_Paragraph]) -> Iterator[tuple[int, int, _Paragraph]]:
    """(number of the article counted from 0, line, paragraph)."""
    count, before = 0, None
    for paragraph in paragraphs:
        count += before is not None and _begins_article(before, paragraph)
        yield count, paragraph.line, paragraph
        before = paragraph


def _begins_article(before: _Paragraph, paragraph: _Paragraph) -> bool:
    if before.article or paragraph.article:
        return before.article != paragraph.article
    return bool(BODY.search(before.text)) and not BODY.search(paragraph.text)


def _paragraph(text: str, path: Path, line: int) -> _Paragraph:
    words = [_word(item, path, line) for item in text.split()]
    number = NUMBER.fullmatch(words[0]) if words else None
    return _Paragraph(line, number[1], _joined(words[1:])) if number else _Paragraph(line, "", _joined(words))


def _word(item: str, path: Path, line: int) -> str:
    word, _, tag = item.rpartition("/")
    letters = tag.replace("]", "", 1)  # `n`, or `n]nt` at the end of a compound name
    if not word or not (letters.isascii() and letters.isalpha()):
        raise BadData(f"{path}:{line}: {item[:40]!r} is not of the form word/tag; is this plain_text?")
    return word[1:] if word[0] == "[" and len(word) > 1 else word


def _joined(words: list[str]) -> str:
    """Words without spaces, as Chinese is written, but for a space between two Latin ones."""
    parts, latin = list[str](), False
    for word in words:
        if latin and word[0].isascii() and word[0].isalnum():
            parts.append(" ")
        parts.append(word)
        latin = word[-1].isascii() and word[-1].isalnum()
    return "".join(parts)
