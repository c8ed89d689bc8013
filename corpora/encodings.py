"""From bytes to text: UTF-8 or GB18030 (which holds GBK and GB2312), strictly, or found out by looking.

To find out is to try strict UTF-8 on the first `SAMPLE` bytes, then strict GB18030. Big5, Korean and Japanese
text is valid GB18030 too, so that one has to look like Chinese: a tenth or more of its characters beyond
ASCII are among the most frequent ones (17 to 38 of 100 in titles, reviews and articles; at most 3 in text of
another encoding). What is neither is an error, and so are later lines that do not fit: a wrong guess never
turns into wrong characters.
"""

import codecs
from typing import Literal, TypeAlias

Encoding: TypeAlias = Literal["utf-8", "gb18030", "auto"]
Codec: TypeAlias = Literal["utf-8", "gb18030"]

SAMPLE = 1 << 20
COMMON = frozenset(
    "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后么多"
    "天能好小文于方其如本心发成事用作法同都者所而行理看起还面没前当已日很因些这主样開來個國說們為時會過學對"
    "後麼發著裡與從還沒當樣"
)
ENOUGH = 0.1
FORMS = {  # how files begin that now and then are called .txt or .jsonl
    b"PAR1\x15": "a Parquet file; call it .parquet, or say `reader: parquet`",
    b"ARROW1\0\0": "an Arrow file; call it .arrow, or say `reader: arrow`",
    b"\x1f\x8b\x08": "compressed by gzip; its name has to end in .gz",
    b"BZh91AY&SY": "compressed by bzip2; its name has to end in .bz2",
    b"\x28\xb5\x2f\xfd": "compressed by zstd; its name has to end in .zst",
    b"\xfd7zXZ\0": "compressed by xz; its name has to end in .xz",
    b"PK\x03\x04": "a zip archive; its name has to end in .zip",
}
MARKS = {"utf-8": "UTF-8", "gb18030": "GB18030"}
HINTS = {
    "utf-8": "if the file is Chinese from Windows, say `encoding: gb18030` (or auto)",
    "gb18030": "if most of the file is UTF-8, leave the source's `encoding` out",
}


def decode(piece: bytes, codec: Codec, offset: int) -> tuple[str, str]:
    """The text of `piece`, which starts at byte `offset` of a file, and what is wrong with it ("": nothing).

    U+FFFD stands for what is wrong.
    """
    try:
        return piece.decode(codec), ""
    except UnicodeDecodeError as error:
        found = piece[error.start : error.start + 4].hex(" ")
        place = f"not {MARKS[codec]} at byte {offset + error.start} (found {found})"
        return piece.decode(codec, "replace"), f"{place}; {HINTS[codec]}"


def unfinished(piece: bytes, codec: Codec) -> int:
    """How many bytes at the end of `piece` begin a character that goes on after it."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    decoder.decode(piece)
    return len(decoder.getstate()[0])


def found(sample: bytes, codec: Encoding) -> Codec:
    """The encoding of a file that begins with `sample`, where `auto` is to be decided.

    Raises:
        ValueError: it is UTF-16, a file of another form, or neither UTF-8 nor Chinese in GB18030.
    """
    if sample[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise ValueError("is UTF-16; convert it, as in iconv -f UTF-16 -t UTF-8")
    for begin, form in FORMS.items():
        if sample.startswith(begin):
            raise ValueError(f"is not text but {form}")
    if codec == "utf-8":
        return codec
    is_utf8, text = _reading(sample, "utf-8") is not None, _reading(sample, "gb18030")
    if codec == "gb18030":
        if is_utf8 and not sample.isascii() and not _looks_chinese(text or ""):
            raise ValueError("is UTF-8; leave its source's `encoding` out, or give it one of its own")
        return codec
    if is_utf8:
        return "utf-8"
    if text is not None and _looks_chinese(text):
        return "gb18030"
    raise ValueError(
        "is neither UTF-8 nor text that is certainly Chinese in GB18030; say which its `encoding` is, "
        "utf-8 or gb18030, or convert it, as in iconv -f BIG5 -t UTF-8"
    )


def _reading(sample: bytes, codec: Codec) -> str | None:
    """Text of the first bytes of a file, which may end within a character; None if it is no such text."""
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(sample)
    except UnicodeDecodeError:
        return None


def _looks_chinese(text: str) -> bool:
    strange = [character for character in text if character > "\x7f"]
    return sum(character in COMMON for character in strange) >= ENOUGH * len(strange)
