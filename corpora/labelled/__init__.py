"""Labelled data: from published and own files to rows that fine-tuning learns from and is scored on."""

from corpora.labelled.data import LabelledData
from corpora.labelled.rows import Answer, Kind, LabelledRows, Row, Span, Split

__all__ = ["Answer", "Kind", "LabelledData", "LabelledRows", "Row", "Span", "Split"]
