"""Chinese and English sentences: where packing, sentence order and next sentence may cut.

A sentence ends after 。！？；… (any number of them, with the closing quotes and brackets that follow),
after ASCII ! ? or a full stop where the context says so, and at a line end. The white space after it is its
own, so that `"".join(split(text))` is `text`. One pass, linear in the length of the text.
"""

import re
from collections.abc import Iterator

END = re.compile(r"(?:([。！？；…!?.]+)([」』”’）】》〉)\]\"']*)|\n)\s*")
WIDE = re.compile("[。！？；…]")
CJK = re.compile(r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef“‘]")
LAST_WORD = re.compile(r"[^\s(（\[\"'“‘]*\Z")
TITLES = re.compile(
    "mr|mrs|ms|dr|prof|st|mt|jr|sr|vs|nos?|figs?|eq|vol|pp|gen|col|lt|capt|sgt|rev|hon|gov|sen|rep"
)
"""Words before a full stop that a name or a number follows."""
LONGEST_WORD = 24
"""Characters looked at before a full stop."""


def split(text: str) -> list[str]:
    """Cut a text into sentences; no character is lost, and none is blank unless the whole text is.

    >>> split("“真的吗？”他问。It cost 3.5 yuan. Dr. Li left.")
    ['“真的吗？”', '他问。', 'It cost 3.5 yuan. ', 'Dr. Li left.']
    """
    sentences, start = list[str](), 0
    for end in _ends(text):
        if not text[start:end].isspace():
            sentences.append(text[start:end])
            start = end
    if start < len(text):
        sentences.append(text[start:])
    return sentences


def _ends(text: str) -> Iterator[int]:
    """Offsets after which a sentence is over, rising."""
    start = counted = quotes = 0  # of this sentence; up to where the ASCII quotes of this line are counted
    for match in END.finditer(text):
        opening = None
        if match[1]:
            quotes, counted = quotes + text.count('"', counted, match.end(1)), match.end(1)
            opening = match[2].find('"') if quotes % 2 == 0 and '"' in match[2] else None
        if opening is not None:  # every quote before is paired, so this one begins the next sentence
            start = match.start(2) + opening
            yield start
        elif _is_end(text, start, match):
            start = match.end()
            yield start
        if "\n" in match[0]:
            quotes, counted = 0, match.end()  # a quotation left open is forgiven at the line's end


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    before = text[max(start, match.start() - LONGEST_WORD) : match.start()]
    after = text[match.end() : match.end() + 1]
    if not after or "\n" in match[0] or WIDE.search(match[1]):
        return True
    apart, chinese = match[0][-1].isspace(), (CJK.match(before[-1:]), CJK.match(after))
    if match[1] != ".":
        return apart or any(chinese)
    if not apart:
        return all(chinese)
    return not after.islower() and not _has_own_stop(before)


def _has_own_stop(before: str) -> bool:
    """Whether a full stop belongs to the word: a title (Dr.), an initial (J.), a list item's number (1.)."""
    found = LAST_WORD.search(before)
    word = found[0].lower() if found else ""
    initial = len(word) == 1 and word.isascii() and word.isalpha() and word != "i"
    return initial or bool(TITLES.fullmatch(word)) or (word.isdecimal() and before.strip() == word)
