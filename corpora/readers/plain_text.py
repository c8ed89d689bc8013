"""Plain text: one document a line, or documents with blank lines between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from corpora.document import Document
from corpora.lines import LONGEST_LINE, lines
from corpora.settings import Settings


class PlainText(Settings):
    """UTF-8 text. Lines end at LF or CRLF and nowhere else: documents are what `wc -l` counts."""

    name: Literal["plain_text"] = "plain_text"
    """Plain text, one document a line unless `separator` says otherwise."""

    separator: Literal["line", "blank_line"] = "line"
    """What ends a document: the end of its line, or one or more blank lines."""

    def read(self, path: Path) -> Iterator[Document]:
        """Yield the documents of a file; with `separator: line` an empty line is an empty document."""
        if self.separator == "line":
            for line, text in lines(path):
                yield Document(text=text, id="", metadata={"line": line})
        else:
            yield from _paragraphs(path)


def _paragraphs(path: Path) -> Iterator[Document]:
    start, size, held = 1, 0, list[str]()
    for line, text in lines(path):
        blank = not text.strip()
        if held and (blank or size > LONGEST_LINE):  # a file without blank lines must not fill the memory
            yield Document(text="\n".join(held), id="", metadata={"line": start})
            size, held = 0, []
        if not blank:
            start = start if held else line
            size += len(text)
            held.append(text)
    if held:
        yield Document(text="\n".join(held), id="", metadata={"line": start})
