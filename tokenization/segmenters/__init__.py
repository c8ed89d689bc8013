"""Segmenters: text -> word spans. Add one: write its file, name its class in `Segmenter`.

Each is a frozen value: `prepare()` loads what it needs and returns the function, `files()` names that.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from corpora.settings import named
from tokenization.segmenters.character import Character
from tokenization.segmenters.jieba import Jieba
from tokenization.segmenters.spans import Segment, Spans
from tokenization.segmenters.whitespace import Whitespace

__all__ = ["Character", "Jieba", "Segment", "Segmenter", "Spans", "Whitespace"]

Segmenter: TypeAlias = Annotated[Jieba | Character | Whitespace, Field(discriminator="name"), named("name")]
